"""The tallies agent: publishes changed tallies to the topic `tallies` (beside the path, from step 5)."""

from __future__ import annotations

import faust

from streams.parts import Parts


def register(app: faust.App, parts: Parts) -> None:
    """Let the agent look at what changed whenever it is nudged; no agent with `HIGHTIDE_FEED=off`."""

    feeding = parts.feeding
    if feeding is None:
        return

    @app.agent(parts.tallies, name="tallies")
    async def tallies(nudges: faust.StreamT) -> None:
        async for _ in nudges:
            await feeding.tallies()
