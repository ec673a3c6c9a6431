"""Amounts that look like prices and add up to the fen."""

from collections.abc import Sequence
from itertools import accumulate
from random import Random


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` in proportion to `weights` into whole numbers whose sum is exactly `total`.

    Cuts the running sum of the weights, so each part is within 1 of its fair share.
    """
    whole = sum(weights)
    cuts = [total * reached // whole for reached in accumulate(weights)]
    return [cut - before for cut, before in zip(cuts, [0, *cuts], strict=False)]


def prices(total_fen: int, count: int, price_list: Sequence[int], rnd: Random) -> list[int]:
    """`count` order totals (fen) of goods on `price_list`, discounts included, that add up to `total_fen`."""
    weights = [rnd.choice(price_list) * rnd.randint(82, 100) for _ in range(count)]
    return shares(total_fen, weights)
