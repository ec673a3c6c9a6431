"""The program that the bench runs as its worker: `hightide worker`, which tells a file where its CPU goes."""

import sys
from pathlib import Path

from streams.cli.main import main
from streams.lab.bench.sampler import sample

if __name__ == "__main__":
    sample(Path(sys.argv[1]))
    sys.exit(main(["worker"]))
