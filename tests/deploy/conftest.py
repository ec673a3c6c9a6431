"""What the tests of `deploy/` need of the machine."""

import shutil

import pytest


@pytest.fixture
def promtool() -> str:
    """The path of promtool; `needs_promtool` skips where there is none."""
    found = shutil.which("promtool")
    assert found is not None
    return found
