"""Simulated carrier behind the port: idempotent by key. It commits by itself, as a remote one does."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from shipping.carrier import (
    ADDRESS,
    BookingRequest,
    CarrierTimeout,
    CarrierUnavailable,
    Destination,
    Label,
    LabelLine,
    LabelPaper,
    LabelStatus,
    ParcelStatus,
    Scan,
)
from shipping.errors import KeyReused, TooLateToVoid, UnknownParcel
from shipping.simulator.books import CARRIER, CarrierFault, SimulatedLabel, new_tracking_number
from shipping.simulator.paper import pdf
from shipping.simulator.routes import Route, route_to
from shop.messaging.providers import check_outside_transaction
from shop.postgres import json_text
from shop.postgres.statements import insert_once, update_rows
from shop.simulation.faults import faulty

#: Labels with their first scans, in one statement that commits by itself: once per key, and none while the
#: carrier has a fault.
_BOOK = """
    INSERT INTO shipping_simulatedlabel
        (tracking_number, key, status, code, message, name, street, city, postal_code, country, second_line,
         region, phone, scans, created_at)
    SELECT asked.*, now() FROM json_to_recordset(%s::json) AS asked
        (tracking_number text, key text, status text, code text, message text, name text, street text,
         city text, postal_code text, country text, second_line text, region text, phone text, scans jsonb)
    WHERE NOT EXISTS (SELECT FROM shipping_carrierfault)
    ON CONFLICT DO NOTHING RETURNING key
"""


_faulty = partial(faulty, CarrierFault, unavailable=CarrierUnavailable, timeout=CarrierTimeout)


class SimulatedCarrier:
    """Carrier whose parcels move one step of their route whenever they are tracked."""

    def book(self, *, key: str, to: Destination) -> Label:
        """Make or refuse a label as the route to the street says, once per key."""
        if label := self.book_many([BookingRequest(key, to)]).get(key):
            return label  # the usual case: one statement
        route = route_to(to.street)
        made = _new_label(key, to, route)
        with _faulty("book"):
            known = _insert_or_find(made)
            _check_same(known, to)
            if route.times_out and known.pk == made.pk:
                raise CarrierTimeout("the parcel was booked, the answer was lost")
        return known.as_label()

    def book_many(self, requests: Sequence[BookingRequest]) -> dict[str, Label]:
        """Make the labels with a new key and an immediate outcome; none while the carrier has a fault."""
        check_outside_transaction()
        new = {asked.key: asked.to for asked in requests if not route_to(asked.to.street).times_out}
        if not new:
            return {}
        labels = {key: _label_to(new[key]) for key in sorted(new)}
        with connection.cursor() as cursor:
            cursor.execute(_BOOK, [json_text.dumps([_row(key, new[key], labels[key]) for key in labels])])
            return {key: labels[key] for (key,) in cursor.fetchall()}

    def find_booking(self, *, key: str) -> Label | None:
        """Return the label with this key."""
        check_outside_transaction()
        with _faulty("find_booking"):
            label = SimulatedLabel.objects.filter(key=key).first()
        return label.as_label() if label else None

    def void(self, *, key: str) -> Label:
        """Void a label; an unknown key is voided in advance."""
        check_outside_transaction()
        with _faulty("void"), transaction.atomic():
            insert_once(SimulatedLabel(key=key, status=SimulatedLabel.Status.VOIDED))
            label = SimulatedLabel.objects.select_for_update().get(key=key)
            if label.scans[1:]:
                raise TooLateToVoid(f"{label.tracking_number} is {label.scans[-1][0]}")
            if label.status == SimulatedLabel.Status.BOOKED:
                label.status = SimulatedLabel.Status.VOIDED
                label.save(update_fields=["status"])
        return label.as_label()

    def track(self, *, tracking_numbers: Sequence[str]) -> dict[str, list[Scan]]:
        """Move the parcels one step each, and return all their scans."""
        check_outside_transaction()
        with _faulty("track"), transaction.atomic():
            labels = _locked(tracking_numbers)
            moved = [label for label in labels if _move(label)]
            update_rows(moved, ["scans"])
        return {label.tracking_number: _scans(label) for label in labels}

    def paper(self, *, key: str) -> LabelPaper | None:
        """Return a PDF with the address and the tracking number."""
        check_outside_transaction()
        label = SimulatedLabel.objects.filter(key=key, status=SimulatedLabel.Status.BOOKED).first()
        if label is None:
            return None
        place = f"{label.postal_code} {label.city}"
        lines = [label.name, label.street, label.second_line, place, label.region, label.country]
        return LabelPaper(pdf=pdf([CARRIER, "", *filter(None, lines), "", label.tracking_number]))

    def key_of(self, *, about: str) -> str | None:
        """Return None: the simulator sends no notices."""
        return None

    def forget(self, *, keys: Sequence[str]) -> None:
        """Erase names and addresses, and what was said about them."""
        neutral = dict.fromkeys((*ADDRESS, "message"), "")
        del neutral["country"]
        SimulatedLabel.objects.filter(key__in=keys).update(**neutral)

    def labels(self) -> Iterator[LabelLine]:
        """Yield all labels, also refused and voided ones."""
        for label in SimulatedLabel.objects.iterator():
            yield LabelLine(label.key, LabelStatus(label.status), label.tracking_number)


def _label_to(to: Destination) -> Label:
    route = route_to(to.street)
    return Label(_status_on(route), CARRIER, new_tracking_number(), *_refusal_on(route))


def _row(key: str, to: Destination, label: Label) -> dict[str, Any]:
    return {
        "tracking_number": label.tracking_number,
        "key": key,
        "status": label.status,
        "code": label.code,
        "message": label.message,
        "scans": _first_scans(route_to(to.street)),
        **to.parts,
    }


def _new_label(key: str, to: Destination, route: Route) -> SimulatedLabel:
    code, message = _refusal_on(route)
    return SimulatedLabel(
        key=key,
        status=_status_on(route).value,
        code=code,
        message=message,
        scans=_first_scans(route),
        **to.parts,
    )


def _status_on(route: Route) -> LabelStatus:
    return LabelStatus.REFUSED if route.refused else LabelStatus.BOOKED


def _refusal_on(route: Route) -> tuple[str, str]:
    return ("failure", "The carrier does not deliver to this address.") if route.refused else ("", "")


def _first_scans(route: Route) -> list[list[Any]]:
    return [] if route.refused else [_scan(route.steps[0])]


def _insert_or_find(made: SimulatedLabel) -> SimulatedLabel:
    return made if insert_once(made) else SimulatedLabel.objects.get(key=made.key)


def _check_same(known: SimulatedLabel, to: Destination) -> None:
    voided = known.status == SimulatedLabel.Status.VOIDED
    if not voided and any(getattr(known, field) != value for field, value in to.parts.items()):
        raise KeyReused(f"{known.key} was used for another address before")


def _locked(tracking_numbers: Sequence[str]) -> list[SimulatedLabel]:
    asked = SimulatedLabel.objects.filter(pk__in=tracking_numbers)
    labels = list(asked.order_by("pk").select_for_update())
    if unknown := set(tracking_numbers).difference(label.tracking_number for label in labels):
        raise UnknownParcel(f"no parcel {min(unknown)} is known")
    return labels


def _move(label: SimulatedLabel) -> bool:
    """Move a parcel one step, if there is one left; True if it moved."""
    steps = route_to(label.street).steps
    if label.status != SimulatedLabel.Status.BOOKED or len(label.scans) >= len(steps):
        return False
    label.scans.append(_scan(steps[len(label.scans)]))
    return True


def _scans(label: SimulatedLabel) -> list[Scan]:
    return [Scan(ParcelStatus(status), datetime.fromisoformat(time)) for status, time in label.scans]


def _scan(status: ParcelStatus) -> list[Any]:
    return [status.value, timezone.now().isoformat()]
