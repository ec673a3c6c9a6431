"""What can go wrong in ways that a user can mend: one line to say, one exit code, no traceback."""

from typing import ClassVar


class Expected(Exception):
    """Base of the failures that the command line answers with one line and `exit_code`."""

    exit_code: ClassVar[int] = 70


class ServerMissing(Expected):
    """Kafka or Redis does not answer: start it, or correct its address."""

    exit_code = 69


class StoreRefused(Expected):
    """The Redis behind the address must not be written to: the message says why and what to do. Nothing was changed."""

    exit_code = 78


class StoreFault(Expected):
    """Redis holds something that a settle can not be added to: stop, and do not come back before it is repaired."""

    exit_code = 78


class MemoryShort(Expected):
    """What must be remembered does not fit into memory: the message has the arithmetic and what to change."""

    exit_code = 78


class LogReplaced(Expected):
    """The log is not the one that the fence was set on (recreated, wiped, truncated): stop, and do not come back."""

    exit_code = 78


class WorkerStuck(Expected):
    """The process holds partitions and moves nothing: end it, its supervisor starts it again."""

    exit_code = 75


class TopicsWrong(Expected):
    """Kafka refused to create a topic: the message has Kafka's reason."""

    exit_code = 1
