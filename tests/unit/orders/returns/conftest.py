"""An order whose goods may be sent back."""

import pytest

from tests.support import outcomes


@pytest.fixture
def delivered(place):
    """Two teapots and a kettle, delivered just now: 138.90 EUR."""
    order = place(lines=[("TEAPOT", 2), ("KETTLE", 1)])
    outcomes.delivered(order)
    return order
