"""What holds for all tests: which of them need servers, and hypothesis without deadlines."""

import pytest
from hypothesis import settings

# a shared machine stalls now and then; that says nothing about the example being run
settings.register_profile("hightide", deadline=None)
settings.load_profile("hightide")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that takes the store needs servers: `-m "not servers"`, as in `make check`, leaves it out."""
    for item in items:
        if "store" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.servers)
