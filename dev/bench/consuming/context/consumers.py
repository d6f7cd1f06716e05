"""Consumers of the context: one for batches, one for single events."""

from collections.abc import Sequence

from dev.bench.consuming.context.events import ParcelMeasured, ParcelWeighed
from dev.bench.consuming.context.models import Weighing
from shop.messaging.consuming import consumes


@consumes(ParcelWeighed)
def when_parcel_weighed_note_it(events: Sequence[ParcelWeighed]) -> None:
    Weighing.objects.bulk_create(Weighing(parcel_id=event.parcel_id, grams=event.grams) for event in events)


@consumes(ParcelMeasured)
def when_parcel_measured_note_it(event: ParcelMeasured) -> None:
    Weighing.objects.create(parcel_id=event.parcel_id, grams=event.grams)
