"""The records agent: changed sessions become `record.session` (steps 5 and 6)."""

from __future__ import annotations

import faust

from streams.parts import Parts


def register(app: faust.App, parts: Parts) -> None:
    """Let the agent look at what changed whenever it is nudged."""

    @app.agent(parts.records, name="records")
    async def records(nudges: faust.StreamT) -> None:
        async for _ in nudges:
            await parts.marking.records()
