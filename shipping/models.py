"""What shipping remembers: one shipment an order, and where its parcel has been.

The simulated carrier's own books live in shipping.simulator; nothing here refers to them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import connection, models
from django.db.models import Q
from django.utils import timezone

from shipping.carrier import GIVEN_UP, Destination, Label, ParcelStatus
from shipping.errors import IllegalTransition
from shipping.simulator.books import CarrierFault, SimulatedLabel
from shop.ids import uuid7
from shop.postgres.statements import update_rows, update_where

__all__ = ["CarrierFault", "Shipment", "SimulatedLabel", "TrackingEvent"]

STATUSES = [(status.value, status.value.replace("_", " ")) for status in ParcelStatus]


def shipping_key(order_id: Any) -> str:
    """Return the idempotency key under which an order's parcel is booked, the same for every attempt."""
    return f"ship:{order_id}"


class Shipment(models.Model):
    """The parcel of one order, from its address to the customer's door."""

    class State(models.TextChoices):
        #: The order was placed; nothing has been asked of the carrier.
        REMEMBERED = "remembered"
        #: The carrier is being asked, or has not answered yet.
        BOOKING = "booking"
        #: The parcel is with the carrier: the point of no return.
        SHIPPED = "shipped"
        #: The customer has it.
        DELIVERED = "delivered"
        #: The carrier brought it back.
        RETURNED = "returned"
        #: The carrier could not deliver it.
        LOST = "lost"
        #: The carrier did not take it; it never left.
        FAILED = "failed"
        #: Stopped before it left; it never will, whatever comes late.
        STOPPED = "stopped"

    LEGAL: ClassVar[dict[str, frozenset[str]]] = {
        State.REMEMBERED: frozenset({State.BOOKING, State.STOPPED}),
        State.BOOKING: frozenset({State.SHIPPED, State.FAILED, State.STOPPED}),
        State.SHIPPED: frozenset({State.DELIVERED, State.RETURNED, State.LOST}),
    }
    #: The parcel has not left: a stop is still possible.
    STOPPABLE: ClassVar[frozenset[str]] = frozenset({State.REMEMBERED, State.BOOKING})
    #: The parcel has left, however it ended.
    GONE: ClassVar[frozenset[str]] = frozenset({State.SHIPPED, State.DELIVERED, State.RETURNED, State.LOST})

    #: What the carrier's answer to a booking changes.
    ANSWERED: ClassVar[tuple[str, ...]] = (
        "state",
        "carrier",
        "tracking_number",
        "tracking_status",
        "failure_code",
        "failure_message",
        "shipped_at",
        "updated_at",
    )
    #: What changes after the order was placed.
    MUTABLE: ClassVar[tuple[str, ...]] = (
        "state",
        "stop_reason",
        "carrier",
        "tracking_number",
        "tracking_status",
        "failure_code",
        "failure_message",
        "shipped_at",
        "delivered_at",
        "updated_at",
    )

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField(unique=True)
    #: As the customer knows the order; empty, like the address, if it was stopped before it was heard of.
    order_number = models.CharField(max_length=32, blank=True, db_index=True)
    name = models.TextField(blank=True)
    street = models.TextField(blank=True)
    city = models.TextField(blank=True)
    postal_code = models.TextField(blank=True)
    country = models.CharField(max_length=2, blank=True)
    #: Made of the order's id, and so as unique.
    idempotency_key = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State, default=State.REMEMBERED)
    #: Why the order was stopped. Set, it freezes what has not left: only the stop itself goes on.
    stop_reason = models.CharField(max_length=50, blank=True)
    carrier = models.CharField(max_length=50, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    #: Where the parcel was last.
    tracking_status = models.CharField(max_length=25, choices=STATUSES, blank=True)
    failure_code = models.CharField(max_length=100, blank=True)
    failure_message = models.TextField(blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes = [
            models.Index(fields=["-id"], condition=~Q(stop_reason=""), name="shipment_stopped"),
            models.Index(
                fields=["state", "-id"], condition=~Q(state="delivered"), name="shipment_by_rare_state"
            ),
            models.Index(
                fields=["tracking_number"],
                condition=~Q(tracking_number=""),
                name="shipment_by_tracking_number",
            ),
        ]

    def __str__(self) -> str:
        return f"parcel of {self.order_number or self.order_id}"

    @classmethod
    def state_with(cls, status: str) -> State:
        """The state of a shipment whose parcel was last said to be there."""
        ends = {
            ParcelStatus.DELIVERED: cls.State.DELIVERED,
            ParcelStatus.RETURN_TO_SENDER: cls.State.RETURNED,
        }
        lost = cls.State.LOST if status in GIVEN_UP else cls.State.SHIPPED
        return ends.get(ParcelStatus(status), lost)

    @property
    def destination(self) -> Destination:
        """Where the parcel goes."""
        return Destination(self.name, self.street, self.city, self.postal_code, self.country)

    @property
    def stop_requested(self) -> bool:
        """Somebody wants the order stopped."""
        return bool(self.stop_reason)

    @property
    def can_be_stopped(self) -> bool:
        """The parcel has not left."""
        return self.state in self.STOPPABLE

    @property
    def has_left(self) -> bool:
        """The parcel was handed to the carrier."""
        return self.state in self.GONE

    @classmethod
    def store(cls, shipments: Sequence[Self]) -> None:
        """Write down, in one statement, where these shipments are now."""
        update_rows(shipments, cls.MUTABLE)

    @classmethod
    def start_booking(cls, order_ids: Collection[UUID]) -> list[Self]:
        """Let the parcels be booked of which nothing has been asked yet and which nobody stops; return these.

        One statement, which commits itself outside of a transaction: the carrier is about to be asked.
        """
        may_begin = [state for state, next_ones in cls.LEGAL.items() if cls.State.BOOKING in next_ones]
        with connection.cursor() as cursor:
            cursor.execute(_START_BOOKING, [list(order_ids), cls.State.BOOKING, timezone.now(), may_begin])
            rows = sorted(cursor.fetchall(), key=itemgetter(1))
        return [cls.from_db(connection.alias, _COLUMNS, row) for row in rows]

    @classmethod
    def store_answers(cls, shipments: Sequence[Self]) -> list[Self]:
        """Write down, in one statement, what the carrier said, unless somebody else has or stops it.

        Returns those that were written.
        """
        where = {"state": cls.State.BOOKING, "stop_reason": ""}
        return update_where(shipments, cls.ANSWERED, where=where, lock_by="order_id")

    # What follows changes the shipment in hand; store() or store_answers() writes it down.

    def ship(self, label: Label) -> None:
        """The parcel is with the carrier."""
        self._become(
            self.State.SHIPPED,
            carrier=label.carrier,
            tracking_number=label.tracking_number,
            tracking_status=ParcelStatus.PRE_TRANSIT.value,
            shipped_at=timezone.now(),
        )

    def fail(self, label: Label) -> None:
        """The carrier does not take the parcel."""
        self._become(self.State.FAILED, failure_code=label.code, failure_message=label.message)

    def request_stop(self, *, reason: str) -> None:
        """Remember that the order is to be stopped; the first reason stands."""
        self.stop_reason = self.stop_reason or reason

    def stop(self) -> None:
        """The parcel will not leave."""
        self._become(self.State.STOPPED)

    def moved(self, status: ParcelStatus) -> None:
        """The parcel is on its way."""
        self.tracking_status = status.value

    def deliver(self, *, at: datetime) -> None:
        """The customer has the parcel."""
        self._become(self.State.DELIVERED, tracking_status=ParcelStatus.DELIVERED.value, delivered_at=at)

    def give_up(self, status: ParcelStatus) -> None:
        """The carrier could not deliver the parcel."""
        back = status == ParcelStatus.RETURN_TO_SENDER
        self._become(self.State.RETURNED if back else self.State.LOST, tracking_status=status.value)

    def _become(self, state: str, **facts: Any) -> None:
        if state not in self.LEGAL.get(self.state, ()):
            raise IllegalTransition(f"a {self.state} shipment cannot become {state}")
        for field, value in {"state": state, **facts}.items():
            setattr(self, field, value)


_COLUMNS = [str(field.column) for field in Shipment._meta.concrete_fields]
_START_BOOKING = f"""
    WITH locked AS (
        SELECT id, state, stop_reason FROM shipping_shipment
        WHERE order_id = ANY(%b::uuid[]) ORDER BY order_id FOR NO KEY UPDATE
    )
    UPDATE shipping_shipment AS shipment SET state = %s, updated_at = %s
    FROM locked
    WHERE shipment.id = locked.id AND locked.state = ANY(%b::varchar[]) AND locked.stop_reason = ''
    RETURNING {", ".join(f"shipment.{column}" for column in _COLUMNS)}
"""  # noqa: S608


class TrackingEvent(models.Model):
    """What the carrier said of a parcel, each status once."""

    shipment = models.ForeignKey(
        Shipment, on_delete=models.CASCADE, related_name="tracking_events", db_index=False
    )
    status = models.CharField(max_length=25, choices=STATUSES)
    #: At the carrier.
    time = models.DateTimeField()

    class Meta:
        ordering = ["time", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["shipment", "status"], name="tracking_status_once"),
        ]

    def __str__(self) -> str:
        return f"{self.status} at {self.time:%Y-%m-%d %H:%M}"
