"""The simulated carrier behind the port: idempotent by key, committing on its own as a remote one does."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from shipping.carrier import (
    CarrierTimeout,
    Destination,
    Label,
    LabelLine,
    LabelStatus,
    ParcelStatus,
    Scan,
)
from shipping.errors import KeyReused, TooLateToVoid, UnknownParcel
from shipping.simulator.books import SimulatedLabel
from shipping.simulator.faults import faulty
from shipping.simulator.routes import Route, route_to
from shop.messaging.outside import outside_transaction


class SimulatedCarrier:
    """Takes parcels that do not exist; each is one step further whenever it is asked after."""

    def book(self, *, key: str, to: Destination) -> Label:
        """Make a label, or refuse it, as the magic word in the street wants it."""
        outside_transaction()
        route = route_to(to.street)
        with faulty("book"):
            made = _new_label(key, to, route)
            label = _insert_or_lock(made)
            _check_same(label, to)
            if route.times_out and label.pk == made.pk:
                raise CarrierTimeout("the parcel was booked, the answer was lost")
        return label.as_label()

    def find_booking(self, *, key: str) -> Label | None:
        """The label with this key."""
        outside_transaction()
        with faulty("find_booking"):
            label = SimulatedLabel.objects.filter(key=key).first()
        return label.as_label() if label else None

    def void(self, *, key: str) -> Label:
        """Withdraw a label; a key never heard of is voided in advance."""
        outside_transaction()
        with faulty("void"), transaction.atomic():
            label = _insert_or_lock(SimulatedLabel(key=key, status=SimulatedLabel.Status.VOIDED))
            if label.scans[1:]:
                raise TooLateToVoid(f"{label.tracking_number} is {label.scans[-1][0]}")
            if label.status == SimulatedLabel.Status.BOOKED:
                label.status = SimulatedLabel.Status.VOIDED
                label.save(update_fields=["status"])
        return label.as_label()

    def track(self, *, tracking_number: str) -> list[Scan]:
        """Move the parcel one step, and tell all that happened to it."""
        outside_transaction()
        with faulty("track"), transaction.atomic():
            label = _locked(tracking_number)
            if label.status == SimulatedLabel.Status.BOOKED:
                _move(label)
        return [Scan(ParcelStatus(status), datetime.fromisoformat(time)) for status, time in label.scans]

    def labels(self) -> Iterator[LabelLine]:
        """All labels, whatever became of them."""
        for label in SimulatedLabel.objects.iterator():
            yield LabelLine(label.key, LabelStatus(label.status), label.tracking_number)


def _new_label(key: str, to: Destination, route: Route) -> SimulatedLabel:
    label = SimulatedLabel(key=key, status=SimulatedLabel.Status.BOOKED, **_address(to))
    if route.refused:
        label.status = SimulatedLabel.Status.REFUSED
        label.code, label.message = "failure", "The carrier does not deliver to this address."
    else:
        label.scans = [_scan(route.steps[0])]
    return label


def _address(to: Destination) -> dict[str, str]:
    return {
        "name": to.name,
        "street": to.street,
        "city": to.city,
        "postal_code": to.postal_code,
        "country": to.country,
    }


@transaction.atomic
def _insert_or_lock(made: SimulatedLabel) -> SimulatedLabel:
    SimulatedLabel.objects.bulk_create([made], ignore_conflicts=True)
    return SimulatedLabel.objects.select_for_update().get(key=made.key)


def _check_same(known: SimulatedLabel, to: Destination) -> None:
    voided = known.status == SimulatedLabel.Status.VOIDED
    if not voided and any(getattr(known, field) != value for field, value in _address(to).items()):
        raise KeyReused(f"{known.key} was used for another address before")


def _locked(tracking_number: str) -> SimulatedLabel:
    try:
        return SimulatedLabel.objects.select_for_update().get(pk=tracking_number)
    except SimulatedLabel.DoesNotExist:
        raise UnknownParcel(f"no parcel {tracking_number} is known") from None


def _move(label: SimulatedLabel) -> None:
    steps = route_to(label.street).steps
    if len(label.scans) < len(steps):
        label.scans.append(_scan(steps[len(label.scans)]))
        label.save(update_fields=["scans"])


def _scan(status: ParcelStatus) -> list[Any]:
    return [status.value, timezone.now().isoformat()]
