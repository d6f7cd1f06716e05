"""Metrics of the feed of events, served by its own process."""

from collections.abc import Callable

from shop.metrics import families
from shop.metrics.exposition import serve_samples
from shop.metrics.sources import Sample


def serve(readers: Callable[[], int], position: Callable[[], int]) -> None:
    """Serve the number of readers that wait, and the position that the feed has followed the log to."""
    serve_samples(
        lambda: [Sample(families.FEED_READERS, readers()), Sample(families.FEED_POSITION, position())]
    )
