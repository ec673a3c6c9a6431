"""Where a process's CPU goes, by step: by stacks alone, and by the timer in a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from streams.lab.bench.sampler import Samples, since
from streams.lab.bench.steps import LOOP, STEPS, step_of

STREAMS = Path(__file__).parents[3] / "streams"
SPIN = """
import sys, time
from pathlib import Path
from streams.lab.bench.sampler import sample

def spin(seconds):
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass

fold = {}
exec(compile("def fold(spin): spin(0.3)", "/somewhere/streams/tally/fold.py", "exec"), fold)
sample(Path(sys.argv[1]))
fold["fold"](spin)
spin(0.1)
"""


def stack(*filenames: str) -> FrameType:
    """A stack of frames of these files, the outermost first."""
    source, call = "def call(inner):\n return inner()\n", sys._getframe
    for filename in reversed(filenames):
        names: dict[str, Callable[..., FrameType]] = {}
        exec(compile(source, filename, "exec"), names)
        call = (lambda function, inner: lambda *_: function(inner))(names["call"], call)
    return call()


@pytest.mark.parametrize(
    ("filenames", "step"),
    [
        ([f"{STREAMS}/intake/path.py", f"{STREAMS}/intake/admission.py"], "admit"),
        ([f"{STREAMS}/intake/path.py", f"{STREAMS}/tally/settle.py", "/lib/redis/asyncio/client.py"], "settle"),
        ([f"{STREAMS}/intake/path.py", f"{STREAMS}/intake/store_calls.py", "/lib/redis/x.py"], "path"),
        ([f"{STREAMS}/tally/fold.py", f"{STREAMS}/tally/windows.py"], "fold"),
        ([f"{STREAMS}/intake/admission.py", f"{STREAMS}/tally/windows.py"], "admit"),
        ([f"{STREAMS}/marks/peaks.py"], "detection"),
        ([f"{STREAMS}/worker.py", f"{STREAMS}/retention/purger.py"], "upkeep"),
        ([f"{STREAMS}/worker.py", "/lib/uvloop/x.py"], LOOP),
    ],
)
def test_the_innermost_module_with_a_step_decides(filenames: list[str], step: str) -> None:
    assert step_of(stack(*filenames)) == step


def test_every_module_that_is_named_is_there() -> None:
    from streams.lab.bench.steps import _STEPS

    assert {name for name in _STEPS if not (STREAMS / name).is_dir() and not (STREAMS / f"{name}.py").exists()} == set()


def test_another_process_is_seen_while_it_runs_and_after(tmp_path: Path) -> None:
    path = tmp_path / "steps"
    samples = Samples(path)
    before = samples.read()
    subprocess.run([sys.executable, "-c", SPIN, str(path)], check=True, timeout=60)
    used = since(before, samples.read())
    assert used.keys() == set(STEPS)
    # a sample is 5 ms, and the first and the last one may fall anywhere
    assert used["fold"] == pytest.approx(0.3, abs=0.05)
    assert used[LOOP] == pytest.approx(0.1, abs=0.05)
    assert sum(used.values()) == used["fold"] + used[LOOP]
