"""The real store that the simulated one is held against."""

from tests.streams.conftest import redis, store  # noqa: F401  # fixtures
