"""The notify agent: published alerts reach the stream of what was told, and people (`streams/notify`)."""

from __future__ import annotations

import faust

from streams.parts import Parts


def register(app: faust.App, parts: Parts) -> None:
    """Let the agent look for published alerts whenever it is nudged."""

    @app.agent(parts.notify, name="notify")
    async def notify(nudges: faust.StreamT) -> None:
        async for _ in nudges:
            await parts.notifying.work()
