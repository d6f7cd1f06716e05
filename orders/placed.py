"""What the database gives to an order before it is accepted, so that it is then written in one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orders.models import Order, OrderLine
from shop.postgres.combined_selects import Select

#: The sequences of the numbers that people see, and of the keys of lines.
_KEYS = """
    SELECT nextval('orders_order_serial') AS serial,
           ARRAY(SELECT nextval('orders_orderline_id_seq') FROM generate_series(1, %s)) AS lines
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """What an order and its lines are called by."""

    serial: int
    lines: list[int]

    def give(self, order: Order, lines: Sequence[OrderLine]) -> None:
        """Give them to the order and, in their order, to its lines."""
        order.serial = self.serial
        for line, key in zip(lines, self.lines, strict=True):
            line.pk = key


def keys_for(lines: int) -> Select[Keys]:
    """Ask for the keys of an order with so many lines; they are gone if it is not accepted after all."""
    return Select(_KEYS, [lines], _read)


def _read(rows: list[dict[str, Any]]) -> Keys:
    return Keys(**rows[0])
