"""The sessions agent: admits and settles chunks of live-session events (steps 2 to 4)."""

from __future__ import annotations

import faust

from streams.parts import Parts


def register(app: faust.App, parts: Parts) -> None:
    """Let the agent take the chunks of the topic `live-sessions`."""

    @app.agent(parts.sessions, name="sessions")
    async def sessions(chunks: faust.StreamT) -> None:
        async for chunk in chunks:
            await parts.intake.accept(chunk)
