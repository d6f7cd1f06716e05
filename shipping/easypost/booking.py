"""Bookings at EasyPost: the record of a key decides, its only shipment is bought, and the outcome is kept."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from shipping.carrier import BookingRequest, Destination, Label, LabelPaper, LabelStatus
from shipping.easypost import records, shipments
from shipping.easypost.client import call_for_each
from shipping.easypost.failures import Refused
from shipping.easypost.records import EasyPostBooking
from shipping.errors import CarrierError, KeyReused

_VOIDED = Label(LabelStatus.VOIDED)


def book(asked: Sequence[BookingRequest]) -> dict[str, Label | CarrierError]:
    """Book parcels, each once per key; return label or error by key."""
    wanted = {request.key: request.to for request in asked}
    opened = records.open_records(EasyPostBooking(key=key, request=digest(to)) for key, to in wanted.items())
    known = {key: answer for key, to in wanted.items() if (answer := _known(opened[key], to))}
    todo = {key: to for key, to in wanted.items() if key not in known}
    unnamed = {key: to for key, to in todo.items() if not opened[key].shipment}
    made = call_for_each(shipments.find_or_create, unnamed)
    return known | _settle(_buy({key: opened[key].shipment for key in todo}, made))


def find(key: str) -> Label | None:
    """Return the outcome of a key; one that a crash has left unrecorded is recorded now."""
    record = records.records_of([key]).get(key)
    if record and record.label:
        return record.label
    shipment = shipments.find(record.shipment if record and record.shipment else key)
    label = shipments.label_of(shipment) if shipment else None
    if shipment is None or label is None:
        return None
    records.open_records([EasyPostBooking(key=key)])
    records.name_shipments({key: shipment.id})
    return records.settle({key: label})[key].label


def paper(key: str) -> LabelPaper | None:
    """Return the label of a key to be printed; None if it is not bought, or refunded."""
    record = records.records_of([key]).get(key)
    shipment = shipments.find(record.shipment) if record and record.shipment else None
    label = shipments.label_of(shipment) if shipment else None
    if shipment is None or label is None or label.status != LabelStatus.BOOKED:
        return None
    return LabelPaper(url=shipment.postage_label.label_url)


def void(key: str) -> Label:
    """Void a key, be it before it is booked, and have its label refunded.

    Raises:
        TooLateToVoid: the carrier has the parcel.
    """
    records.open_records([EasyPostBooking(key=key)])
    record = records.settle({key: _VOIDED})[key]
    shipment = record.shipment or getattr(shipments.find(key), "id", "")
    given_back = shipments.give_back(shipment) if shipment else None
    if record.outcome == LabelStatus.BOOKED and given_back:
        EasyPostBooking.objects.filter(key=key).update(outcome=LabelStatus.VOIDED)
        return given_back
    return record.label or _VOIDED


def digest(to: Destination) -> str:
    """Return a digest that tells destinations apart."""
    return hashlib.sha256("\n".join(to.parts.values()).encode()).hexdigest()


def _known(record: EasyPostBooking, to: Destination) -> Label | CarrierError | None:
    if record.outcome != LabelStatus.VOIDED and record.request and record.request != digest(to):
        return KeyReused(f"{record.key} was used for another address before")
    return record.label


def _buy(names: Mapping[str, str], made: Mapping[str, Any]) -> dict[str, Label | CarrierError]:
    """Buy the shipments of keys; one that was made now is written down before.

    Args:
        names: shipments by key, empty where none was made before.
        made: shipments made or found now, or the error, by key.
    """
    failed = {key: result for key, result in made.items() if isinstance(result, CarrierError)}
    fresh = {key: result for key, result in made.items() if key not in failed}
    written = records.name_shipments({key: shipment.id for key, shipment in fresh.items()})
    named = {key: name for key, name in names.items() if name}
    named |= {key: record.shipment for key, record in written.items()}

    def buy(key: str, name: str) -> Label:
        shipment = fresh.get(key)
        return shipments.buy(name, shipment if shipment and shipment.id == name else None)

    return {**failed, **call_for_each(buy, named)}


def _settle(answers: Mapping[str, Label | CarrierError]) -> dict[str, Label | CarrierError]:
    """Write the outcomes; return those that stand."""
    read = {key: _as_label(answer) for key, answer in answers.items()}
    labels = {key: answer for key, answer in read.items() if isinstance(answer, Label)}
    settled = records.settle(labels)
    return read | {key: _agree(settled[key], label) for key, label in labels.items()}


def _as_label(answer: Label | CarrierError) -> Label | CarrierError:
    is_refusal = isinstance(answer, Refused) and answer.is_by_parcel
    return shipments.refused(answer) if is_refusal else answer  # type: ignore[arg-type]


def _agree(record: EasyPostBooking, made: Label) -> Label | CarrierError:
    """Return the outcome that stands. A label is given back if the key was voided or refused meanwhile."""
    if made.status == LabelStatus.BOOKED and record.outcome != LabelStatus.BOOKED:
        try:
            shipments.give_back(record.shipment)
        except CarrierError as error:
            return error
    return record.label or made
