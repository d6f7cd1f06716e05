"""Garbage collector settings for long-lived processes that work in batches."""

import gc

#: Thresholds of the three generations. The first exceeds the objects that a batch allocates: with Python's
#: default of 700 several collections per batch took a tenth of a worker's time and freed nothing.
THRESHOLDS = (50_000, 20, 100)


def freeze(**kwargs: object) -> None:
    """Freeze the objects that exist now and raise the collector's thresholds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
