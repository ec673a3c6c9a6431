"""`hightide board` and `hightide top` as processes: how they begin, refuse and end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from streams.board.access import new_token
from streams.lab.processes import BOARD, as_environment, board_process, end_worker, start_worker
from streams.settings import Settings


def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HIGHTIDE_")} | settings
    command = [sys.executable, "-m", "streams.cli.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_a_public_address_without_tokens_is_refused_before_anything_else() -> None:
    ended = run("board", HIGHTIDE_BOARD="0.0.0.0:0", HIGHTIDE_REDIS="redis://127.0.0.1:1/0")
    assert ended.returncode == 2 and "needs HIGHTIDE_TOKENS" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_address_that_is_taken_is_named(settings: Settings) -> None:
    port = settings.redis.rpartition(":")[2].partition("/")[0]
    ended = run("board", HIGHTIDE_BOARD=f"127.0.0.1:{port}", HIGHTIDE_REDIS=settings.redis)
    assert ended.returncode == 2 and f"HIGHTIDE_BOARD='127.0.0.1:{port}'" in ended.stderr


def test_a_new_token_is_shown_once_beside_the_line_that_knows_it() -> None:
    ended = run("board", "--new-token", "wall", "--role", "operate")
    assert ended.returncode == 0 and ended.stdout.startswith("operate wall ")
    assert ended.stderr.startswith("the token, keep it: ")
    assert run("board", "--new-token", "a b").returncode == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_lets_its_listeners_go_and_ends(
    settings: Settings, redis: Redis, tmp_path: Path, number: signal.Signals
) -> None:
    settings = replace(settings, board="127.0.0.1:0")
    log = tmp_path / "board.log"
    board = start_worker(settings, log, program=BOARD)
    try:
        async with asyncio.timeout(20):
            while "board at " not in log.read_text("utf-8"):  # noqa: ASYNC110  # of another process
                await asyncio.sleep(0.05)
        address = log.read_text("utf-8").split("board at ")[1].split()[0]
        async with ClientSession(address) as client, client.get("/v1/stream") as response:
            assert (await response.content.readline()).startswith(b"retry")
            board.send_signal(number)
            await asyncio.wait_for(response.content.read(), 10)
        assert await asyncio.to_thread(board.wait, 10) == 0
        assert "Traceback" not in log.read_text("utf-8")
    finally:
        await end_worker(board)


async def test_with_tokens_nothing_is_told_without_one(settings: Settings, redis: Redis, tmp_path: Path) -> None:
    token, line = new_token("read", "wall")
    (tmp_path / "tokens").write_text(line + "\n")
    settings = replace(settings, board="127.0.0.1:0", tokens=str(tmp_path / "tokens"))
    async with board_process(settings, tmp_path / "board.log") as address, ClientSession(address) as client:
        paths = ("/v1/alerts", "/v1/stream", "/v1/rankings/hours", "/metrics")
        for path in paths:
            async with client.get(path) as refused:
                assert refused.status == 401 and refused.headers["WWW-Authenticate"] == "Bearer"
                assert refused.content_type == "application/problem+json"
            async with client.get(path, headers={"Authorization": f"Bearer {token}"}) as told:
                assert told.status == 200
        for path in ("/healthz", "/readyz", "/", "/docs", "/openapi.json"):
            async with client.get(path) as told:
                assert told.status == 200
                assert told.headers["X-Content-Type-Options"] == "nosniff"
                assert "default-src 'self'" in told.headers["Content-Security-Policy"]


async def test_top_prints_once_without_a_terminal(settings: Settings, redis: Redis) -> None:
    ended = await asyncio.to_thread(run, "top", **as_environment(settings))
    assert ended.returncode == 0 and "nothing was counted yet" in ended.stdout and "\x1b" not in ended.stdout
    as_json = await asyncio.to_thread(run, "top", "--json", **as_environment(settings))
    assert as_json.returncode == 0 and as_json.stdout.startswith('{"freshness":{"as_of_ms":null')
