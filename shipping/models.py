"""Models of shipping: the shipments of an order, their legal transitions, and their tracking events.

The carriers' tables are imported only to register them; nothing here refers to them.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from shipping.carrier import ADDRESS, GIVEN_UP, Destination, Label, ParcelStatus
from shipping.easypost.records import EasyPostBooking
from shipping.errors import IllegalTransition
from shipping.simulator.books import CarrierFault, SimulatedLabel
from shop.ids import uuid7
from shop.moments import shown
from shop.stored_texts import translated

__all__ = ["CarrierFault", "EasyPostBooking", "Shipment", "SimulatedLabel", "TrackingEvent"]

STATUSES = [(status.value, status.value.replace("_", " ")) for status in ParcelStatus]


def shipping_key(order_id: Any) -> str:
    """Return the idempotency key of an order's first booking, the same for every attempt."""
    return f"ship:{order_id}"


def order_of_key(key: str) -> UUID:
    """Return the order of a booking's key, be it the first one or a later one."""
    return UUID(key.split(":")[1])


class Shipment(models.Model):
    """A shipment of an order, from its destination to the end of the parcel's way. Mostly there is one."""

    class State(models.TextChoices):
        #: The order was placed; the carrier has not been called.
        REMEMBERED = "remembered"
        #: The carrier is being called, or has not answered yet.
        BOOKING = "booking"
        #: The parcel is with the carrier: the point of no return.
        SHIPPED = "shipped"
        #: The customer has it.
        DELIVERED = "delivered"
        #: The carrier brought it back.
        RETURNED = "returned"
        #: The carrier could not deliver it.
        LOST = "lost"
        #: The carrier refused the parcel; it never left.
        FAILED = "failed"
        #: Stopped before the parcel left. Late calls book nothing.
        STOPPED = "stopped"

    class Hold(models.TextChoices):
        #: The order must not leave yet.
        ON_HOLD = "on_hold", "on hold"
        #: Neither, and all else is ready: it leaves when the hold ends.
        READY = "ready", "on hold and ready"

    LEGAL: ClassVar[dict[str, frozenset[str]]] = {
        State.REMEMBERED: frozenset({State.BOOKING, State.STOPPED, State.FAILED}),
        State.BOOKING: frozenset({State.SHIPPED, State.FAILED, State.STOPPED}),
        State.SHIPPED: frozenset({State.DELIVERED, State.RETURNED, State.LOST}),
        # It came late after all.
        State.RETURNED: frozenset({State.DELIVERED}),
        State.LOST: frozenset({State.DELIVERED}),
    }
    #: States before the parcel leaves, in which it can be stopped.
    STOPPABLE: ClassVar[frozenset[str]] = frozenset({State.REMEMBERED, State.BOOKING})
    #: States in which a scan of the parcel still changes something.
    FOLLOWED: ClassVar[frozenset[str]] = frozenset({State.SHIPPED, State.RETURNED, State.LOST})
    #: States of a parcel that has left.
    HANDED_OVER: ClassVar[frozenset[str]] = frozenset(
        {State.SHIPPED, State.DELIVERED, State.RETURNED, State.LOST}
    )

    #: Columns that are written with the shipment and never change.
    SET_ONCE = (
        "id",
        "order_id",
        "round",
        "new_goods",
        "order_number",
        *ADDRESS,
        "idempotency_key",
        "created_at",
    )
    #: Columns of the outcome of the booking.
    OUTCOME = (
        "state",
        "carrier",
        "tracking_number",
        "tracking_status",
        "failure_code",
        "failure_message",
        "shipped_at",
    )
    #: Columns that change; ``updated_at`` is the time of the last change.
    CHANGEABLE = (*OUTCOME, "stop_reason", "hold", "delivered_at")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField()
    #: 1 for the first shipment of the order, more for those that were sent again.
    round = models.PositiveSmallIntegerField(default=1, db_default=1)
    #: True if goods are taken from the stock again for it.
    new_goods = models.BooleanField(default=False, db_default=False)
    #: The order's number, such as ORD-1042. Empty, like the address, if the order was stopped before its
    #: OrderCreated came.
    order_number = models.CharField(max_length=32, blank=True, db_index=True)
    name = models.TextField(blank=True)
    street = models.TextField(blank=True)
    city = models.TextField(blank=True)
    postal_code = models.TextField(blank=True)
    country = models.CharField(max_length=2, blank=True)
    second_line = models.TextField(blank=True, default="", db_default="")
    region = models.TextField(blank=True, default="", db_default="")
    phone = models.TextField(blank=True, default="", db_default="")
    #: Derived from the order's id, and from its own id if it is sent again; and as unique.
    idempotency_key = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State, default=State.REMEMBERED)
    #: Reason of the stop; empty if no stop was requested. A shipment to be stopped is not booked.
    stop_reason = models.CharField(max_length=50, blank=True)
    #: A shipment on hold is not booked.
    hold = models.CharField(max_length=10, choices=Hold, blank=True, default="", db_default="")
    carrier = models.CharField(max_length=50, blank=True)
    tracking_number = models.CharField(max_length=100, blank=True)
    #: Status of the parcel at its last scan.
    tracking_status = models.CharField(max_length=25, choices=STATUSES, blank=True)
    failure_code = models.CharField(max_length=100, blank=True)
    failure_message = models.TextField(blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        permissions = [
            ("void_shipment", "Can void shipments that have not left"),
            ("print_label", "Can print labels of parcels"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["order_id", "round"], name="shipment_once_per_round"),
        ]
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
        return gettext("parcel of {order}").format(order=self.order_number or self.order_id)

    @classmethod
    def state_with(cls, status: str) -> State:
        """Return the state of a shipment whose parcel had this status at its last scan."""
        ends = {
            ParcelStatus.DELIVERED: cls.State.DELIVERED,
            ParcelStatus.RETURN_TO_SENDER: cls.State.RETURNED,
        }
        lost = cls.State.LOST if status in GIVEN_UP else cls.State.SHIPPED
        return ends.get(ParcelStatus(status), lost)

    @property
    def is_first(self) -> bool:
        """True unless the order is sent again."""
        return self.round == 1

    @property
    def destination(self) -> Destination:
        """Name and address of the recipient."""
        return Destination.of(self)

    @property
    def stop_requested(self) -> bool:
        """True if a stop of the order was requested."""
        return bool(self.stop_reason)

    @property
    def can_be_stopped(self) -> bool:
        """True while the parcel can still leave, and so be stopped."""
        return self.state in self.STOPPABLE

    @property
    def has_left(self) -> bool:
        """True if the parcel was handed to the carrier."""
        return self.state in self.HANDED_OVER

    @classmethod
    def tombstone(cls, order_id: UUID, *, reason: str) -> "Shipment":
        """Make the shipment, to be stopped, of an order whose OrderCreated has not come."""
        return cls(order_id=order_id, idempotency_key=shipping_key(order_id), stop_reason=reason)

    # Transitions change the instance; the repository stores it.

    def ship(self, label: Label) -> None:
        """Record that the carrier has the parcel."""
        self._become(
            self.State.SHIPPED,
            carrier=label.carrier,
            tracking_number=label.tracking_number,
            tracking_status=ParcelStatus.PRE_TRANSIT.value,
            shipped_at=timezone.now(),
        )

    def fail(self, label: Label) -> None:
        """Record that the carrier refused the parcel."""
        self._become(self.State.FAILED, failure_code=label.code, failure_message=label.message)

    def start_booking(self) -> None:
        """Record that the carrier is being called."""
        self._become(self.State.BOOKING)

    def give_up_booking(self, code: str) -> None:
        """Record that the carrier will not be called."""
        self._become(self.State.FAILED, failure_code=code)

    def request_stop(self, *, reason: str) -> None:
        """Request a stop of the order. The first reason stands."""
        self.stop_reason = self.stop_reason or reason

    def stop(self) -> None:
        """Record that the parcel will not leave."""
        self._become(self.State.STOPPED)

    def move(self, status: ParcelStatus) -> None:
        """Record the status of a parcel under way."""
        self.tracking_status = status.value

    def deliver(self, *, at: datetime) -> None:
        """Record that the customer has the parcel."""
        self._become(self.State.DELIVERED, tracking_status=ParcelStatus.DELIVERED.value, delivered_at=at)

    def give_up(self, status: ParcelStatus) -> None:
        """Record that the carrier could not deliver the parcel."""
        back = status == ParcelStatus.RETURN_TO_SENDER
        self._become(self.State.RETURNED if back else self.State.LOST, tracking_status=status.value)

    def _become(self, state: str, **facts: Any) -> None:
        if state not in self.LEGAL.get(self.state, ()):
            raise IllegalTransition(f"a {self.state} shipment cannot become {state}")
        for field, value in {"state": state, **facts}.items():
            setattr(self, field, value)


class TrackingEvent(models.Model):
    """Scan of a parcel. Each status is stored once."""

    shipment = models.ForeignKey(
        Shipment, on_delete=models.CASCADE, related_name="tracking_events", db_index=False
    )
    status = models.CharField(max_length=25, choices=STATUSES)
    #: Time by the carrier's clock.
    time = models.DateTimeField()

    class Meta:
        ordering = ["time", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["shipment", "status"], name="tracking_status_once"),
        ]

    def __str__(self) -> str:
        return gettext("{status} at {time}").format(status=translated(self.status), time=shown(self.time))
