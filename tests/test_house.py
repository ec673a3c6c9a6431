"""The house: what may import what, and what lies at the top."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TOP_LEVEL = {
    "pyproject.toml", "README.md", "Makefile", "LICENSE", "CHANGELOG.md", "constraints.txt",
    "streams", "agents", "schemas", "deploy", "tests",
}  # fmt: skip
#: what tools leave behind; .gitignore has them
LEFTOVERS = {"hightide.egg-info", "build", "dist", "__pycache__", "hightide-schemas"}

#: these must be pure, whatever they say of themselves; a module whose docstring says "Pure" joins them
PURE = {
    "streams/tally/windows.py",
    "streams/tally/counters.py",
    "streams/tally/fold.py",
    "streams/intake/admission.py",
    "streams/marks/ranking.py",
}
RIM = {"faust", "mode", "redis", "valkey", "aiokafka", "aiohttp", "asyncio", "uvloop"}


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> Iterator[str]:
    """First names of everything that is imported in a tree, absolute imports only (there are no others)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide their direction"
            yield (node.module or "").partition(".")[0]


def imported_at_once(tree: ast.Module) -> set[str]:
    """As `imported`, without what only a function or a type checker imports."""
    found: set[str] = set()
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If):
            found.update(imported(node))
    return found


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_pure(path: Path, tree: ast.Module) -> bool:
    return name(path) in PURE or "Pure" in (ast.get_docstring(tree) or "")


def test_the_top_level_holds_nothing_else() -> None:
    visible = {entry.name for entry in ROOT.iterdir() if not entry.name.startswith(".")}
    assert visible - LEFTOVERS - TOP_LEVEL == set()
    # git keeps no empty folder, and there may be nothing to deploy with
    assert TOP_LEVEL - visible <= {"deploy"}


def test_leftovers_are_ignored_by_git() -> None:
    ignored = {line.strip().strip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()}
    assert ignored >= {*LEFTOVERS - {"hightide.egg-info"}, "*.egg-info", ".venv"}


@pytest.mark.parametrize("path", modules("schemas"), ids=name)
def test_schemas_import_nothing_of_ours_and_no_framework(path: Path) -> None:
    assert set(imported(parse(path))) & (RIM | {"streams", "agents", "tests"}) == set()


@pytest.mark.parametrize("path", modules("streams"), ids=name)
def test_streams_do_not_import_agents(path: Path) -> None:
    tree = parse(path)
    # the command line starts the worker, and may fetch the agents for it once it runs
    lazily = path.parent == ROOT / "streams" / "cli"
    assert "agents" not in (imported_at_once(tree) if lazily else set(imported(tree)))
    assert "tests" not in imported(tree)


@pytest.mark.parametrize("path", modules("streams"), ids=name)
def test_pure_modules_import_no_rim(path: Path) -> None:
    tree = parse(path)
    if is_pure(path, tree):
        assert set(imported(tree)) & RIM == set()


def test_the_pure_modules_are_there() -> None:
    assert {name(path) for path in modules("streams")} >= PURE
