"""How often the cyclic garbage collector looks: rarely, because what a worker makes most of is no garbage of its kind.

A chunk of 50,000 events is that many containers, alive until it is settled and then freed by reference counts. The
collector's defaults look at them hundreds of times: a quarter of the time that judging and folding take.
"""

import gc

#: containers made and not freed before the youngest are looked at, and how many such looks before the older ones are.
#: About once a chunk: the buffers of fetches are garbage of its kind, and lie there until then
_YOUNG, _MIDDLE, _OLD = 50_000, 20, 20


def let_chunks_be() -> None:
    """Call once, when everything is imported: what is there by then is never looked at again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
