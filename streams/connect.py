"""Before anything starts: wait until Kafka and Redis answer, and make sure that the Redis is ours to write to."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, ReadOnlyError, RedisError

from streams import keys
from streams.errors import ServerMissing, StoreRefused
from streams.patience import until_answered
from streams.scripts import lua_script
from streams.settings import Settings

_ANSWER_WITHIN_S = 5.0


# -- waiting -----------------------------------------------------------------------------------
async def wait_for_kafka(bootstrap: str, deadline_s: float | None = None) -> None:
    """Return once one of the servers "host:port[,host:port]" answers a metadata request.

    Raises ServerMissing after `deadline_s` (None: wait for ever).
    """
    await until_answered(f"Kafka at {bootstrap}", partial(kafka_cluster_id, bootstrap), deadline_s)


async def wait_for_redis(url: str, deadline_s: float | None = None) -> None:
    """Return once Redis answers PING and has loaded its data.

    Raises ServerMissing after `deadline_s` (None: wait for ever), StoreRefused if it does not take our password.
    """
    await until_answered(f"Redis at {masked(url)}", partial(_ping, url), deadline_s)


async def kafka_cluster_id(bootstrap: str) -> str:
    """The id of the cluster behind `bootstrap`. Raises ServerMissing if none of the servers answers."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    await _reach(bootstrap)
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=int(_ANSWER_WITHIN_S * 1000))
    try:
        with _quiet("aiokafka"):
            await admin.start()
            return str((await admin.describe_cluster())["cluster_id"])
    except (KafkaError, OSError, TimeoutError) as error:
        raise ServerMissing(_reason(error)) from error
    finally:
        await admin.close()


async def _reach(bootstrap: str) -> None:
    """Connect to one of the servers: aiokafka alone would not tell refused from timed out."""
    reasons = []
    for server in bootstrap.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            async with asyncio.timeout(_ANSWER_WITHIN_S):
                _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
            writer.close()
            return
        except OSError as error:  # TimeoutError is one
            reasons.append(_reason(error))
    raise ServerMissing(", ".join(dict.fromkeys(reasons)))


async def _ping(url: str) -> None:
    client = Redis.from_url(
        url, socket_connect_timeout=_ANSWER_WITHIN_S, socket_timeout=_ANSWER_WITHIN_S, retry=_once()
    )
    try:
        await client.ping()
    except AuthenticationError as error:
        raise StoreRefused(f"Redis at {masked(url)} does not take our user or password ({error})") from error
    except (RedisError, OSError) as error:
        raise ServerMissing(_reason(error)) from error
    finally:
        await client.aclose()


# -- the store ---------------------------------------------------------------------------------
def redis_client(settings: Settings) -> Redis:
    """A client of the Redis of the settings; replies are bytes. The caller closes it (`await client.aclose()`).

    A command is sent up to four times when the connection breaks: everything that we send may be repeated.
    """
    return Redis.from_url(
        settings.redis,
        decode_responses=False,
        client_name="hightide",
        health_check_interval=15,
        socket_connect_timeout=_ANSWER_WITHIN_S,
        socket_timeout=10.0,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=1.0), 3),
    )


async def check_store(redis: Redis, settings: Settings) -> None:
    """Make sure that this Redis keeps what we write, and is empty (then it is claimed) or ours.

    Raises StoreRefused, with nothing written, if it may evict our keys, holds another program's data, holds another
    schema version, is a read-only replica or denies us a command.
    """
    where = f"Redis at {masked(settings.redis)}"
    try:
        await _refuse_eviction(redis, where)
        await _refuse_foreign(redis, where)
    except NoPermissionError as error:
        raise StoreRefused(f"{where} does not permit our user what we need ({error})") from error


async def _refuse_eviction(redis: Redis, where: str) -> None:
    # INFO, not CONFIG GET: hosted Redis services forbid CONFIG
    policy = str((await redis.info("memory")).get("maxmemory_policy", "unknown"))
    if policy != "noeviction" and not policy.startswith("volatile-"):
        raise StoreRefused(
            f"{where} may evict our keys when its memory is full (maxmemory-policy {policy}): "
            "set it to noeviction, as in `CONFIG SET maxmemory-policy noeviction`"
        )


async def _refuse_foreign(redis: Redis, where: str) -> None:
    claim = lua_script(redis, "streams", "claim")
    try:
        verdict, *detail = [_text(word) for word in await claim(keys=[keys.MARKER], args=[keys.SCHEMA])]
    except ReadOnlyError as error:
        raise StoreRefused(f"{where} is a read-only replica: set HIGHTIDE_REDIS to its primary") from error
    if verdict == "schema":
        raise StoreRefused(
            f"{where} holds Hightide data of schema version {detail[0]!r}, "
            f"this program writes version {keys.SCHEMA!r}: use the release that wrote them, "
            "or an empty database (HIGHTIDE_REDIS=redis://host:port/1)"
        )
    if verdict == "foreign":
        raise StoreRefused(
            f"{where} holds {detail[0]} keys of another program: "
            "use an empty database of its own for Hightide (HIGHTIDE_REDIS=redis://host:port/1)"
        )


# -- small things ------------------------------------------------------------------------------
def masked(url: str) -> str:
    """`url` without user and password, for people and logs."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _text(word: bytes | str) -> str:
    return word.decode(errors="replace") if isinstance(word, bytes) else word


def _reason(error: BaseException) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return str(error).rstrip(".") or type(error).__name__


def _once() -> Retry:
    return Retry(ExponentialWithJitterBackoff(), 0)


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """Hold back what a library logs about a server that we report on ourselves."""
    library = logging.getLogger(logger)
    before = library.level
    library.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        library.setLevel(before)
