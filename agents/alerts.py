"""The alerts agent: publishes the outbox to the topic `alerts` (step 7)."""

from __future__ import annotations

import faust

from streams.parts import Parts


def register(app: faust.App, parts: Parts) -> None:
    """Let the agent empty the outbox whenever it is nudged."""

    @app.agent(parts.alerts, name="alerts")
    async def alerts(nudges: faust.StreamT) -> None:
        async for _ in nudges:
            await parts.marking.publish()
