"""The log: one record a line on stderr, time level logger message key=value, safe against forged lines (CWE-117).

Fields are given as `log.info("settled", extra={"partition": 3, "rows": 120})`. What comes from outside (ids, reasons,
bytes of a reject) belongs into a field or an argument of the message, never into the format string.
"""

import logging
import sys
from datetime import datetime, timedelta, timezone
from typing import TextIO

from streams.tally.windows import Zone

#: says the same of a broker that is away 70 times a second; the heartbeat says it once
SILENT = ("aiokafka",)
#: frameworks that tell much about themselves: WARNING and above, INFO too while we log at DEBUG
NOISY = ("aiokafka", "faust", "kafka", "mode", "asyncio", "uvicorn")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def set_up_logging(level: str, zone: Zone, stream: TextIO | None = None) -> None:
    """Send the log of the whole process to `stream` (stderr), from `level` ("debug", "info", ...) up, once.

    Times are of `zone`. A second call replaces the first. Raises ValueError for an unknown level.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter(zone))
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.handlers[:] = [handler]
    frameworks = logging.INFO if root.level <= logging.DEBUG else max(root.level, logging.WARNING)
    for name in NOISY:
        logging.getLogger(name).setLevel(frameworks)
    if root.level > logging.DEBUG:
        for name in SILENT:
            logging.getLogger(name).setLevel(logging.CRITICAL)


class LineFormatter(logging.Formatter):
    """ "2026-01-01T12:00:00.000+08:00 info streams.settle settled partition=3 rows=120".

    The lines of a traceback follow, each behind "    | ", so that none of them can be taken for a record.
    """

    def __init__(self, zone: Zone) -> None:
        super().__init__()
        self._zone = timezone(timedelta(milliseconds=zone.offset_ms))

    def format(self, record: logging.LogRecord) -> str:
        """One record as text without a line end."""
        when = datetime.fromtimestamp(record.created, self._zone).isoformat(timespec="milliseconds")
        head = f"{when} {record.levelname.lower()} {record.name} {escaped(record.getMessage())}"
        return "".join([head, *_fields(record), *_traceback(self, record)])


def escaped(text: str) -> str:
    """`text` with everything that is not printable (line ends, terminal codes, text direction) as \\x1b or \\u202e."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _fields(record: logging.LogRecord) -> list[str]:
    return [f" {name}={_value(value)}" for name, value in vars(record).items() if name not in _STANDARD]


def _value(value: object) -> str:
    """A field's value: bare if it is one word, else in quotes, so that a value can not look like another field."""
    text = str(value)
    if text and text.isprintable() and not any(c in text for c in ' "='):
        return text
    return '"' + escaped(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    text = formatter.formatException(record.exc_info) if record.exc_info else ""
    if record.stack_info:
        text += "\n" + record.stack_info
    return [f"\n    | {escaped(line)}" for line in text.splitlines()]
