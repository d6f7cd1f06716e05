"""EasyPost behind the port of shipping."""

import logging
from collections.abc import Iterator, Sequence

from shipping.carrier import BookingRequest, Destination, Label, LabelLine, LabelPaper, Scan
from shipping.easypost import booking, books, tracking
from shipping.easypost.records import EasyPostBooking
from shop.messaging.providers import check_outside_transaction

logger = logging.getLogger("shop.shipping")


class EasyPostCarrier:
    """Carrier that buys labels through EasyPost."""

    def book(self, *, key: str, to: Destination) -> Label:
        """Buy a label at the lowest rate, once per key."""
        check_outside_transaction()
        answer = booking.book([BookingRequest(key, to)])[key]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def book_many(self, requests: Sequence[BookingRequest]) -> dict[str, Label]:
        """Buy labels over several connections at once; what fails is left out."""
        check_outside_transaction()
        labels = {}
        for key, answer in booking.book(requests).items():
            if isinstance(answer, Label):
                labels[key] = answer
            else:
                logger.warning("parcel %s is booked again by itself: %s", key, answer)
        return labels

    def find_booking(self, *, key: str) -> Label | None:
        """Return the label of a key; None while there is none."""
        check_outside_transaction()
        return booking.find(key)

    def void(self, *, key: str) -> Label:
        """Have the label of a key refunded; a key without one can never be booked."""
        check_outside_transaction()
        return booking.void(key)

    def track(self, *, tracking_numbers: Sequence[str]) -> dict[str, list[Scan]]:
        """Return all scans of parcels."""
        check_outside_transaction()
        return tracking.track(tracking_numbers)

    def paper(self, *, key: str) -> LabelPaper | None:
        """Return the address of a label's PDF; None if the label is not bought, or refunded."""
        check_outside_transaction()
        return booking.paper(key)

    def key_of(self, *, about: str) -> str | None:
        """Return the key of EasyPost's shipment."""
        return EasyPostBooking.objects.filter(shipment=about).values_list("key", flat=True).first()

    def forget(self, *, keys: Sequence[str]) -> None:
        """Delete the trackers, and what the records say of recipients. EasyPost keeps the addresses."""
        bookings = EasyPostBooking.objects.filter(key__in=keys)
        numbers = bookings.exclude(tracking_number="").values_list("tracking_number", flat=True)
        tracking.delete(list(numbers))
        bookings.update(request="", tracking_number="", message="")

    def labels(self) -> Iterator[LabelLine]:
        """Yield all labels that were bought."""
        return books.labels()
