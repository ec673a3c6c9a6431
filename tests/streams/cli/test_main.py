"""The program as a whole: what it offers, and with which code it ends."""

import argparse
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from streams.cli import main as program
from streams.errors import ServerMissing, StoreRefused, TopicsWrong
from streams.settings import SettingsError


def ends_with(error: BaseException) -> SimpleNamespace:
    """A command module whose only command fails with `error`."""

    def run(_: argparse.Namespace) -> int:
        raise error

    def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
        subparsers.add_parser("fail").set_defaults(run=run)

    return SimpleNamespace(register=register)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (TopicsWrong("no"), 1, "hightide: no\n"),
        (SettingsError("HIGHTIDE_A: bad\nHIGHTIDE_B: bad"), 2, "HIGHTIDE_A: bad\nHIGHTIDE_B: bad\n"),
        (ServerMissing("Kafka is away"), 69, "hightide: Kafka is away\n"),
        (StoreRefused("foreign"), 78, "hightide: foreign\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_an_expected_error_is_one_line_and_its_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "COMMANDS", (ends_with(error),))
    assert program.main(["fail"]) == code
    assert capsys.readouterr().err == said


def test_a_fault_of_ours_is_not_taken_for_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "COMMANDS", (ends_with(ZeroDivisionError("oops")),))
    assert program.main(["fail"]) == 70
    assert "ZeroDivisionError: oops" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["no-such-command"], ["topics"], ["topics", "create", "--no-such-option"]])
def test_wrong_usage_is_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(argv)
    assert ended.value.code == 2
    assert "usage: hightide" in capsys.readouterr().err


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for module in program.COMMANDS:
        assert module.__name__.rpartition(".")[2].removesuffix("_cmd") in text
    for code in ("0", "1", "2", "69", "70", "75", "78", "130"):
        assert f"\n  {code:>3}  " in text


def test_help_does_not_load_what_only_running_needs() -> None:
    heavy = ["faust", "aiokafka", "redis", "msgspec", "prometheus_client", "uvloop"]
    code = f"import sys, streams.cli.main; print([name for name in {heavy} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_settings_that_are_wrong_are_said_one_a_line() -> None:
    environ = {"HIGHTIDE_SHARDS": "many", "HIGHTIDE_LOG_LEVEL": "loud"}
    answer = subprocess.run(
        [sys.executable, "-m", "streams.cli.main", "topics", "check"], capture_output=True, text=True, env=environ
    )
    assert answer.returncode == 2
    assert [line.split("=")[0] for line in answer.stderr.splitlines()] == ["HIGHTIDE_SHARDS", "HIGHTIDE_LOG_LEVEL"]


def test_a_kafka_that_is_not_there_is_69() -> None:
    environ = {"HIGHTIDE_KAFKA": "127.0.0.1:1"}
    command = [sys.executable, "-m", "streams.cli.main", "topics", "check", "--wait", "0"]
    answer = subprocess.run(command, capture_output=True, text=True, env=environ)
    assert answer.returncode == 69
    assert answer.stderr.startswith("hightide: Kafka at 127.0.0.1:1 does not answer (connection refused)")
    assert len(answer.stderr.splitlines()) == 1


_TALKS = """
import sys
from types import SimpleNamespace
from streams.cli import main as program
def register(subparsers):
    subparsers.add_parser("talk").set_defaults(run=lambda _: print("x" * 10_000_000))
program.COMMANDS = (SimpleNamespace(register=register),)
sys.exit(program.main(["talk"]))
"""


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    talker = subprocess.Popen([sys.executable, "-c", _TALKS], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert talker.stdout is not None
    assert talker.stderr is not None
    with talker.stderr as stderr:
        with talker.stdout as stdout:
            assert stdout.read(1) == b"x"
        assert stderr.read() == b""
    assert talker.wait(10) == 128 + signal.SIGPIPE
