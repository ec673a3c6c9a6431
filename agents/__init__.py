"""Who does it: one Faust agent a file, each a few lines that call `streams`."""

from __future__ import annotations

import faust

from agents import alerts, notify, orders, peaks, records, sessions, tallies
from streams.parts import Parts


def register_agents(app: faust.App, parts: Parts) -> None:
    """Declare every agent of a worker, in the order of the path."""
    for agent in (orders, sessions, peaks, records, alerts, notify, tallies):
        agent.register(app, parts)
