"""The embedded broker with a log that outlives it: the same program, its storage in a bucket of another process."""

from __future__ import annotations

import http.client
import sys
from pathlib import Path
from typing import Final

import msgspec

from streams.lab.servers import Broker, Server
from streams.lab.servers.server import NotYet

#: starts a program with more variables
_ENV = "/usr/bin/env"
_ROOT = Path(__file__).parents[3]
#: what the broker writes beside a partition without records
_EMPTY: Final = b'{"low":null,"high":null,"timestamps":null}'


class BucketServer(Server):
    """The bucket's process."""

    name = "bucket"

    def _command(self) -> list[str]:
        start = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from tests.chaos.devices.bucket import main; "
        return [sys.executable, "-c", f"{start}main({self.port})"]

    def _check(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/tansu?list-type=2&prefix=none")
            if connection.getresponse().status != 200:
                raise NotYet("it does not list")
        except OSError as error:
            raise NotYet(str(error)) from error
        finally:
            connection.close()


class DurableBroker(Broker):
    """A broker that may be killed and started again: log, groups and offsets are as they were."""

    storage = "s3://tansu/"

    def __init__(self, directory: Path, port: int = 0, advertised: str = "") -> None:
        super().__init__(directory, port, advertised)
        self.bucket = BucketServer(directory)

    def start(self, deadline_s: float = 20.0) -> None:
        """Start it, and its bucket before it the first time."""
        if not self.bucket.running:
            self.bucket.start(deadline_s)
        super().start(deadline_s)

    def stop(self, grace_s: float = 5.0) -> None:
        """End both."""
        super().stop(grace_s)
        self.bucket.stop(grace_s)

    def lose_last(self, topic: str, partition: int, records: int = 1) -> None:
        """Kill it with so many records numbered and not written, and start it: its log then has a hole at the end."""
        self.kill()
        place = f"clusters/{self._cluster_id}/topics/{topic}/partitions/{partition:010}/watermark.json"
        about = msgspec.json.decode(self._asked("GET", place))
        about["high"] = (about["high"] or 0) + records
        self._asked("PUT", place, msgspec.json.encode(about))
        self.start()

    def add_partitions(self, topic: str, count: int) -> None:
        """Kill it, give a topic so many partitions, and start it: it knows no request for that."""
        self.kill()
        place = f"clusters/{self._cluster_id}"
        about = msgspec.json.decode(self._asked("GET", f"{place}/meta.json"))
        described = about["topics"][topic]["topic"]
        for number in range(described["num_partitions"], count):
            self._asked("PUT", f"{place}/topics/{topic}/partitions/{number:010}/watermark.json", _EMPTY)
        described["num_partitions"] = count
        self._asked("PUT", f"{place}/meta.json", msgspec.json.encode(about))
        self.start()

    def _asked(self, method: str, key: str, body: bytes = b"") -> bytes:
        """One request to the bucket."""
        connection = http.client.HTTPConnection("127.0.0.1", self.bucket.port, timeout=5)
        try:
            connection.request(method, f"/tansu/{key}", body)
            answer = connection.getresponse()
            assert answer.status == 200, (key, answer.status)
            return answer.read()
        finally:
            connection.close()

    def _command(self) -> list[str]:
        variables = {
            "AWS_ENDPOINT": f"http://{self.bucket.address}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_CONDITIONAL_PUT": "etag",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_REGION": "us-east-1",
        }
        return [_ENV, *(f"{name}={value}" for name, value in variables.items()), *super()._command()]
