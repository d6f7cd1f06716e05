"""Port to the carrier.

A booking carries an idempotency key. The carrier makes at most one label per key and answers a repeated call
with the first outcome. A voided key can never be booked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from shipping.errors import CarrierError, CarrierTimeout, CarrierUnavailable
from shop.messaging.providers import Calls, check_outside_transaction

__all__ = [
    "ADDRESS",
    "BookingRequest",
    "Carrier",
    "CarrierError",
    "CarrierTimeout",
    "CarrierUnavailable",
    "Destination",
    "Label",
    "LabelLine",
    "LabelPaper",
    "LabelStatus",
    "ParcelStatus",
    "Scan",
    "carrier",
    "carrier_labels",
]

#: Class of the carrier, unless ``settings.SHOP_CARRIER`` names another.
DEFAULT_CARRIER = "shipping.simulator.carrier.SimulatedCarrier"


class LabelStatus(StrEnum):
    """Outcome of a booking."""

    #: The carrier takes the parcel.
    BOOKED = "booked"
    #: The carrier refuses the parcel.
    REFUSED = "refused"
    #: Voided before the carrier had the parcel.
    VOIDED = "voided"


class ParcelStatus(StrEnum):
    """Status of a parcel, with the values of EasyPost's API."""

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


#: Statuses of a parcel that will not be delivered.
GIVEN_UP = frozenset(
    {ParcelStatus.RETURN_TO_SENDER, ParcelStatus.FAILURE, ParcelStatus.CANCELLED, ParcelStatus.ERROR}
)


@dataclass(frozen=True, slots=True)
class Destination:
    """Name and address of a recipient."""

    name: str
    street: str
    city: str
    postal_code: str
    #: ISO 3166-1 alpha-2.
    country: str
    second_line: str = ""
    #: State, province or the like.
    region: str = ""
    phone: str = ""

    @classmethod
    def of(cls, holder: Any) -> "Destination":
        """Return the destination that an address, shipment or label holds."""
        return cls(**{name: getattr(holder, name) for name in ADDRESS})

    @property
    def parts(self) -> dict[str, str]:
        """Name and address by part."""
        return {name: getattr(self, name) for name in ADDRESS}


#: Parts of a destination, as the columns of shipments and labels are called.
ADDRESS = tuple(field.name for field in fields(Destination))


class BookingRequest(NamedTuple):
    """Arguments of a call of ``book``."""

    key: str
    to: Destination


@dataclass(frozen=True, slots=True)
class Label:
    """The carrier's answer for a booking."""

    status: LabelStatus
    carrier: str = ""
    tracking_number: str = ""
    #: Reason of a refusal.
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class LabelPaper:
    """A label to be printed: a PDF, or the address where the carrier keeps one."""

    pdf: bytes = b""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """Status of a parcel at a time."""

    status: ParcelStatus
    time: datetime


@dataclass(frozen=True, slots=True)
class LabelLine:
    """Label in the carrier's books."""

    key: str
    status: LabelStatus
    tracking_number: str


class Carrier(Protocol):
    """Carrier. Raises CarrierTimeout (outcome unknown) or CarrierUnavailable (nothing done)."""

    def book(self, *, key: str, to: Destination) -> Label:
        """Make a label, once per key."""
        ...

    def book_many(self, requests: Sequence[BookingRequest]) -> Mapping[str, Label]:
        """Make several labels in one call, each once per key; return the labels by key.

        A request without an outcome is missing from the result, and is then made by book(). An adapter to
        a carrier without batches uses several connections at once, or returns no labels.
        """
        ...

    def find_booking(self, *, key: str) -> Label | None:
        """Return the label made, refused or voided under a key; None if there is none."""
        ...

    def void(self, *, key: str) -> Label:
        """Keep the parcel of a key from leaving, also if it is booked later.

        Raises:
            TooLateToVoid: the carrier has the parcel.
        """
        ...

    def track(self, *, tracking_numbers: Sequence[str]) -> Mapping[str, Sequence[Scan]]:
        """Return all scans of parcels, oldest first, by tracking number."""
        ...

    def paper(self, *, key: str) -> LabelPaper | None:
        """Return the label of a key to be printed; None if there is none, or it is voided."""
        ...

    def key_of(self, *, about: str) -> str | None:
        """Return the key of the parcel that a notice of the carrier is about; None for those of others."""
        ...

    def forget(self, *, keys: Sequence[str]) -> None:
        """Erase the recipients of labels, as far as the carrier does so."""
        ...

    def labels(self) -> Iterable[LabelLine]:
        """Yield all labels, for audits."""
        ...


_FAILPOINTS = Calls("carrier", "book", "book_many", "find_booking", "void", "track")


def carrier() -> Carrier:
    """Return the configured carrier, to be called outside of any transaction.

    Raises:
        InsideTransaction: a transaction is open.
    """
    check_outside_transaction()
    return _FAILPOINTS.watch(_configured())


def carrier_labels() -> Iterable[LabelLine]:
    """Return the carrier's own books, for audits, also inside a transaction."""
    return _configured().labels()


def forget_labels(keys: Sequence[str]) -> None:
    """Have the carrier erase the recipients of labels."""
    check_outside_transaction()
    _configured().forget(keys=keys)


def _configured() -> Carrier:
    return _load(getattr(settings, "SHOP_CARRIER", DEFAULT_CARRIER))


@cache
def _load(path: str) -> Carrier:
    made: Carrier = import_string(path)()
    return made
