"""EasyPost's books: all labels that were bought, page by page."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from easypost.errors.general.end_of_pagination_error import EndOfPaginationError

from shipping.carrier import LabelLine
from shipping.easypost.client import PAGE, shipments
from shipping.easypost.failures import translated
from shipping.easypost.records import EasyPostBooking
from shipping.easypost.shipments import label_of

#: Length of a list's window; without one EasyPost lists the last month alone.
WINDOW = timedelta(days=30)
_MARGIN = timedelta(days=1)


def labels() -> Iterator[LabelLine]:
    """Yield the bought labels with a reference, also refunded ones."""
    with translated():
        for shipment in _bought():
            label = label_of(shipment)
            if label and shipment.reference:
                yield LabelLine(shipment.reference, label.status, label.tracking_number)


def _bought() -> Iterator[Any]:
    oldest = EasyPostBooking.objects.order_by("created_at").values_list("created_at", flat=True).first()
    until = datetime.now(UTC) + _MARGIN
    while oldest and until > oldest - _MARGIN:
        yield from _in_window(until - WINDOW, until)
        until -= WINDOW


def _in_window(start: datetime, end: datetime) -> Iterator[Any]:
    window = {"start_datetime": start.isoformat(), "end_datetime": end.isoformat()}
    page = shipments().all(page_size=PAGE, purchased="true", **window)
    while True:
        yield from page.shipments
        if not page.shipments:
            return
        try:
            page = shipments().get_next_page(page, PAGE, window)
        except EndOfPaginationError:
            return
