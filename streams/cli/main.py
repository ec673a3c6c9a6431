"""The program `hightide`: one subcommand a file, one line for what a user can mend, exit codes that mean something."""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence

from streams.cli import (
    alerts_cmd,
    audit_cmd,
    backtest_cmd,
    bench_cmd,
    board_cmd,
    demo_cmd,
    history_cmd,
    rejects_cmd,
    rules_cmd,
    schemas_cmd,
    servers_cmd,
    simulate_cmd,
    top_cmd,
    topics_cmd,
    verify_cmd,
    worker_cmd,
)
from streams.errors import Expected
from streams.settings import SettingsError

#: in the order of --help. Each has register(subparsers), imports nothing heavy, and its run function does
COMMANDS = (
    demo_cmd,
    servers_cmd,
    worker_cmd,
    board_cmd,
    top_cmd,
    simulate_cmd,
    audit_cmd,
    verify_cmd,
    alerts_cmd,
    rejects_cmd,
    history_cmd,
    rules_cmd,
    backtest_cmd,
    bench_cmd,
    topics_cmd,
    schemas_cmd,
)

EXIT_CODES = """\
exit codes:
    0  done, or equal
    1  what was checked is different or wrong
    2  wrong usage or a wrong setting; `verify`: no longer possible
   64  there is nothing of that name
   69  Kafka or Redis is not there
   70  internal fault
   75  stopped to be started again (the watchdog saw no progress)
   78  refused: foreign, incompatible or damaged data; look before starting again
  130  interrupted by Ctrl-C

Settings come from the environment (HIGHTIDE_KAFKA, HIGHTIDE_REDIS, ...): the README has the table.
"""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole program; each command leaves its function as `run`."""
    program = argparse.ArgumentParser(
        prog="hightide",
        description="Live GMV peaks and record sessions from Kafka order events.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = program.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.register(commands)
    return program


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. A usage error leaves by SystemExit(2), as argparse does."""
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return 130
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    except Expected as error:
        print(f"hightide: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # the reader of our output (`| head`) has gone: end as SIGPIPE ends other programs, without a last flush to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception:
        # not 1, which means "different": a script must not take a fault of ours for a finding
        traceback.print_exc()
        return 70


if __name__ == "__main__":
    sys.exit(main())
