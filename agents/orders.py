"""The orders agent: admits, tallies and settles chunks of order events (steps 2 to 4)."""

from __future__ import annotations

import faust

from streams.parts import Parts


def register(app: faust.App, parts: Parts) -> None:
    """Let the agent take the chunks of the topic `orders`."""

    @app.agent(parts.orders, name="orders")
    async def orders(chunks: faust.StreamT) -> None:
        async for chunk in chunks:
            await parts.intake.accept(chunk)
