"""`hightide schemas export`: the schemas of all topics as files, for those who write or read them."""

import argparse
import sys
from pathlib import Path


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the program."""
    command = subparsers.add_parser("schemas", help="the schemas of all topics")
    actions = command.add_subparsers(title="actions", metavar="ACTION", required=True)
    export = actions.add_parser("export", help="write JSON Schema and AsyncAPI files")
    export.add_argument(
        "--dir",
        type=Path,
        default=Path("hightide-schemas"),
        metavar="DIR",
        help="where to, made if it is not there (default: %(default)s)",
    )
    export.set_defaults(run=run_export)


def run_export(arguments: argparse.Namespace) -> int:
    """Write the files and print their paths. Exit code 0, or 1 where the folder can not be written."""
    from schemas.export import documents

    folder: Path = arguments.dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in documents().items():
            (folder / name).write_bytes(content)
            print(folder / name)
    except OSError as error:
        print(f"hightide: {folder} can not be written: {error.strerror}", file=sys.stderr)
        return 1
    return 0
