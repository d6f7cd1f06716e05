"""The port to the carrier: what shipping asks of any of them, whoever it is.

Booking carries an idempotency key. The carrier makes at most one label per key and answers a repeated
call with the first outcome; no label will ever be made under a voided key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import NamedTuple, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from shipping.errors import CarrierError, CarrierTimeout, CarrierUnavailable
from shop.messaging.providers import Calls, check_outside_transaction

__all__ = [
    "BookingRequest",
    "Carrier",
    "CarrierError",
    "CarrierTimeout",
    "CarrierUnavailable",
    "Destination",
    "Label",
    "LabelLine",
    "LabelStatus",
    "ParcelStatus",
    "Scan",
    "carrier",
    "carrier_labels",
]

#: Used unless ``settings.SHOP_CARRIER`` names another class.
DEFAULT_CARRIER = "shipping.simulator.carrier.SimulatedCarrier"


class LabelStatus(StrEnum):
    """What became of a booking."""

    #: The carrier takes the parcel.
    BOOKED = "booked"
    #: The carrier does not take it.
    REFUSED = "refused"
    #: Withdrawn before the carrier had the parcel.
    VOIDED = "voided"


class ParcelStatus(StrEnum):
    """Where a parcel is, in EasyPost's words."""

    UNKNOWN = "unknown"
    PRE_TRANSIT = "pre_transit"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    RETURN_TO_SENDER = "return_to_sender"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    ERROR = "error"


#: With these the carrier has given up on a parcel.
GIVEN_UP = frozenset(
    {ParcelStatus.RETURN_TO_SENDER, ParcelStatus.FAILURE, ParcelStatus.CANCELLED, ParcelStatus.ERROR}
)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a parcel goes."""

    name: str
    street: str
    city: str
    postal_code: str
    #: ISO 3166-1 alpha-2.
    country: str


class BookingRequest(NamedTuple):
    """A parcel that a carrier is asked to take, as the arguments of ``book``."""

    key: str
    to: Destination


@dataclass(frozen=True, slots=True)
class Label:
    """The carrier's answer about a booking."""

    status: LabelStatus
    carrier: str = ""
    tracking_number: str = ""
    #: Why it was refused.
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """A parcel was somewhere at some time."""

    status: ParcelStatus
    time: datetime


@dataclass(frozen=True, slots=True)
class LabelLine:
    """A label in the carrier's books."""

    key: str
    status: LabelStatus
    tracking_number: str


class Carrier(Protocol):
    """A carrier. Raises CarrierTimeout (outcome unknown) and CarrierUnavailable (nothing done)."""

    def book(self, *, key: str, to: Destination) -> Label:
        """Make a label, once per key."""
        ...

    def book_many(self, requests: Sequence[BookingRequest]) -> Mapping[str, Label]:
        """Make several labels in one call, each once per key; the labels by key.

        Leaves out what has no label yet, whatever is wrong with it: it is asked for with book(). A carrier
        that takes one at a time asks on several connections at once, or answers none.
        """
        ...

    def find_booking(self, *, key: str) -> Label | None:
        """The label made, refused or voided under ``key``; None if there is none."""
        ...

    def void(self, *, key: str) -> Label:
        """See to it that no parcel leaves under ``key``, also if it is booked later.

        Raises TooLateToVoid once the carrier has the parcel.
        """
        ...

    def track(self, *, tracking_numbers: Sequence[str]) -> Mapping[str, Sequence[Scan]]:
        """All that happened to each parcel so far, oldest first."""
        ...

    def labels(self) -> Iterable[LabelLine]:
        """All labels ever asked for, for audits."""
        ...


_CALLS = Calls("carrier", "book", "book_many", "find_booking", "void", "track")


def carrier() -> Carrier:
    """Return the configured carrier, to be called outside of any transaction.

    Raises:
        InsideTransaction: a transaction is open.
    """
    check_outside_transaction()
    return _CALLS.watch(_configured())


def carrier_labels() -> Iterable[LabelLine]:
    """Return the carrier's own books, for audits; reading them is safe everywhere."""
    return _configured().labels()


def _configured() -> Carrier:
    return _load(getattr(settings, "SHOP_CARRIER", DEFAULT_CARRIER))


@cache
def _load(path: str) -> Carrier:
    made: Carrier = import_string(path)()
    return made
