"""One record, one line, whatever is in it."""

import io
import logging
import sys
from collections.abc import Iterator

import pytest

from streams.logs import NOISY, LineFormatter, escaped, set_up_logging
from streams.tally.windows import SHANGHAI


def record(message: str, *args: object, **fields: object) -> logging.LogRecord:
    """A record of noon of 1 January 2026 in Shanghai."""
    made = logging.makeLogRecord({"name": "streams.x", "levelname": "INFO", "msg": message, "args": args, **fields})
    made.created = 1_767_240_000.0
    return made


def line(message: str, *args: object, **fields: object) -> str:
    return LineFormatter(SHANGHAI).format(record(message, *args, **fields))


def test_time_level_logger_message_and_fields_stand_in_this_order() -> None:
    assert line("settled", partition=3, rows=120) == (
        "2026-01-01T12:00:00.000+08:00 info streams.x settled partition=3 rows=120"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("", '""'),
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('a"b\\', '"a\\"b\\\\"'),
        ("a\nb", '"a\\nb"'),
        (None, "None"),
    ],
)
def test_a_value_can_not_look_like_another_field(value: object, shown: str) -> None:
    assert line("m", key=value).endswith(f" m key={shown}")


@pytest.mark.parametrize("bad", ["\n", "\r", "\x1b[31m", "\x00", "\x85", "\u2028", "\u202e", "\x7f", "\ud800"])
def test_what_moves_the_cursor_is_escaped(bad: str) -> None:
    for text in (line("before %s after", bad), line("m", key=bad)):
        assert text.isprintable()
        assert text.encode()


def test_printable_text_of_any_script_stays() -> None:
    assert escaped("¥107.50 M (1.075 亿) 女装") == "¥107.50 M (1.075 亿) 女装"


def test_a_traceback_follows_behind_a_margin() -> None:
    try:
        raise ValueError("first\n2026-01-01T12:00:00.000+08:00 info streams.x forged")
    except ValueError:
        text = line("failed", exc_info=sys.exc_info())
    head, *rest = text.split("\n")
    assert head.endswith("failed")
    assert len(rest) > 3
    assert all(each.startswith("    | ") for each in rest)


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    loggers = [logging.getLogger(), *map(logging.getLogger, NOISY)]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    yield loggers[0]
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


def test_frameworks_are_quiet_until_we_debug(root: logging.Logger) -> None:
    stream = io.StringIO()
    set_up_logging("info", SHANGHAI, stream)
    logging.getLogger("aiokafka.consumer").info("noise")
    logging.getLogger("streams.x").info("signal")
    logging.getLogger("faust.app").warning("trouble")
    assert [text.split(" ", 3)[3] for text in stream.getvalue().splitlines()] == ["signal", "trouble"]
    set_up_logging("debug", SHANGHAI, stream)
    assert logging.getLogger("aiokafka").level == logging.getLogger("faust").level == logging.INFO
    set_up_logging("error", SHANGHAI, stream)
    assert logging.getLogger("faust").level == logging.ERROR
    assert logging.getLogger("aiokafka").level == logging.CRITICAL


def test_setting_it_up_twice_does_not_double_the_lines(root: logging.Logger) -> None:
    stream = io.StringIO()
    set_up_logging("info", SHANGHAI, stream)
    set_up_logging("info", SHANGHAI, stream)
    root.info("once")
    assert stream.getvalue().count("once") == 1
