"""Trackers at EasyPost, which stand for the parcels of bought labels."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from shipping.carrier import ParcelStatus, Scan
from shipping.easypost.client import PAGE, trackers
from shipping.easypost.failures import Refused, translated

logger = logging.getLogger("shop.shipping")


def track(tracking_numbers: Sequence[str]) -> dict[str, list[Scan]]:
    """Return the scans of parcels, oldest first; parcels that EasyPost does not know are left out."""
    found = sorted(_trackers(tracking_numbers), key=lambda tracker: tracker.created_at)
    return {tracker.tracking_code: scans_of(tracker) for tracker in found}


def scans_of(tracker: Any) -> list[Scan]:
    """Return the scans of a tracker. Its status comes last, also if no scan has it."""
    scans = [Scan(_status(detail.status), _time(detail.datetime)) for detail in tracker.tracking_details]
    scans.sort(key=lambda scan: scan.time)
    if not scans or scans[-1].status != _status(tracker.status):
        scans.append(Scan(_status(tracker.status), _time(tracker.updated_at)))
    return scans


def delete(tracking_numbers: Sequence[str]) -> None:
    """Delete the trackers of parcels, with places and signatures."""
    for tracker in _trackers(tracking_numbers):
        try:
            with translated():
                trackers().delete(tracker.id)
        except Refused as refusal:
            logger.warning("EasyPost keeps %s: %s", tracker.id, refusal)


def _trackers(tracking_numbers: Sequence[str]) -> Iterator[Any]:
    for start in range(0, len(tracking_numbers), PAGE):
        codes = list(tracking_numbers[start : start + PAGE])
        with translated():
            yield from trackers().retrieve_batch(tracking_codes=codes).trackers


def _status(word: str) -> ParcelStatus:
    try:
        return ParcelStatus(word)
    except ValueError:
        return ParcelStatus.UNKNOWN


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
