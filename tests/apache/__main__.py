"""`python -m tests.apache [PYTEST ARGUMENTS]`: the integration suite against Apache Kafka, one broker on loopback.

Without arguments it runs tests/integration and tests/apache. Exit code: pytest's; 77 if Java or Maven is missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from streams.lab.servers.store import Store
from tests.apache.broker import ApacheKafka, ToolMissing, fetch_jars

#: what test runners take for "not here"
_NOT_HERE = 77
_STARTS_WITHIN_S = 60.0


def main(words: list[str]) -> int:
    """Bring the broker, start it and a store, run the tests, end both."""
    try:
        fetch_jars()
    except ToolMissing as missing:
        print(f"not run: {missing}", file=sys.stderr)
        return _NOT_HERE
    with tempfile.TemporaryDirectory(prefix="hightide-apache-", ignore_cleanup_errors=True) as folder:
        broker, store = ApacheKafka(Path(folder, "broker")), Store(Path(folder, "store"))
        for server in (broker, store):
            server.directory.mkdir()
        try:
            broker.start(_STARTS_WITHIN_S)
            store.start()
            there = {"TEST_KAFKA": broker.address, "TEST_REDIS": f"redis://{store.address}/0", "TEST_APACHE": "yes"}
            tests = words or ["tests/integration", "tests/apache"]
            return subprocess.run([sys.executable, "-m", "pytest", *tests], env={**os.environ, **there}).returncode
        finally:
            store.stop()
            broker.stop()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
