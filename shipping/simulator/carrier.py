"""The simulated carrier behind the port: idempotent by key, committing on its own as a remote one does."""

from collections.abc import Iterator, Sequence
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
from shipping.simulator.books import CarrierFault, SimulatedLabel
from shipping.simulator.faults import faulty
from shipping.simulator.routes import Route, route_to
from shop.messaging.outside import outside_transaction
from shop.rows import insert_once, update_rows


class SimulatedCarrier:
    """Takes parcels that do not exist; each is one step further whenever it is asked after."""

    def book(self, *, key: str, to: Destination) -> Label:
        """Make a label, or refuse it, as the magic word in the street wants it."""
        outside_transaction()
        route = route_to(to.street)
        made = _new_label(key, to, route)
        if not route.times_out and insert_once(made, unless_any=CarrierFault):
            return made.as_label()  # mostly it is a matter of one statement
        with faulty("book"):
            label = _insert_or_find(made)
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
            insert_once(SimulatedLabel(key=key, status=SimulatedLabel.Status.VOIDED))
            label = SimulatedLabel.objects.select_for_update().get(key=key)
            if label.scans[1:]:
                raise TooLateToVoid(f"{label.tracking_number} is {label.scans[-1][0]}")
            if label.status == SimulatedLabel.Status.BOOKED:
                label.status = SimulatedLabel.Status.VOIDED
                label.save(update_fields=["status"])
        return label.as_label()

    def track(self, *, tracking_numbers: Sequence[str]) -> dict[str, list[Scan]]:
        """Move the parcels one step each, and tell all that happened to them."""
        outside_transaction()
        with faulty("track"), transaction.atomic():
            labels = _locked(tracking_numbers)
            moved = [label for label in labels if _move(label)]
            update_rows(moved, ["scans"])
        return {label.tracking_number: _scans(label) for label in labels}

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


def _insert_or_find(made: SimulatedLabel) -> SimulatedLabel:
    return made if insert_once(made) else SimulatedLabel.objects.get(key=made.key)


def _check_same(known: SimulatedLabel, to: Destination) -> None:
    voided = known.status == SimulatedLabel.Status.VOIDED
    if not voided and any(getattr(known, field) != value for field, value in _address(to).items()):
        raise KeyReused(f"{known.key} was used for another address before")


def _locked(tracking_numbers: Sequence[str]) -> list[SimulatedLabel]:
    asked = SimulatedLabel.objects.filter(pk__in=tracking_numbers)
    labels = list(asked.order_by("pk").select_for_update())
    if unknown := set(tracking_numbers).difference(label.tracking_number for label in labels):
        raise UnknownParcel(f"no parcel {min(unknown)} is known")
    return labels


def _move(label: SimulatedLabel) -> bool:
    """Let one more thing happen to a parcel, if there is one left."""
    steps = route_to(label.street).steps
    if label.status != SimulatedLabel.Status.BOOKED or len(label.scans) >= len(steps):
        return False
    label.scans.append(_scan(steps[len(label.scans)]))
    return True


def _scans(label: SimulatedLabel) -> list[Scan]:
    return [Scan(ParcelStatus(status), datetime.fromisoformat(time)) for status, time in label.scans]


def _scan(status: ParcelStatus) -> list[Any]:
    return [status.value, timezone.now().isoformat()]
