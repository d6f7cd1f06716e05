"""Charts as inline SVG, each beside a table with the same figures."""

from collections.abc import Sequence
from decimal import Decimal


def line(values: Sequence[Decimal | int], *, width: int, height: int) -> str:
    """Return the points of a line through the values, for an SVG's ``polyline``; zero is at the bottom."""
    numbers = [Decimal(value) for value in values]
    low, high = min(Decimal(0), *numbers), max(Decimal(1), *numbers)
    step = Decimal(width) / max(1, len(numbers) - 1)
    return " ".join(
        f"{n * step:.1f},{height - (value - low) * height / (high - low):.1f}"
        for n, value in enumerate(numbers)
    )
