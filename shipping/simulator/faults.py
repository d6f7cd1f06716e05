"""Let the simulated carrier fail as the rows of CarrierFault say, in whatever process it is called."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import F, Q

from shipping.carrier import CarrierTimeout, CarrierUnavailable
from shipping.simulator.books import CarrierFault
from shop.postgres.locking import is_empty


@contextmanager
def faulty(operation: str) -> Iterator[None]:
    """Let the call inside suffer from the oldest fault that hits ``operation``, if there is one."""
    fault = _hit(operation)
    if fault:
        time.sleep(fault.seconds)
    if fault and fault.kind == CarrierFault.Kind.OUTAGE:
        raise CarrierUnavailable(f"{operation}: the carrier is out of service")
    yield
    if fault and fault.kind == CarrierFault.Kind.TIMEOUT:
        raise CarrierTimeout(f"{operation}: no answer in time")


def _hit(operation: str) -> CarrierFault | None:
    if is_empty(CarrierFault):
        return None
    active = CarrierFault.objects.filter(operation__in=["", operation]).exclude(calls_left=0)
    fault = active.order_by("pk").first()
    if fault and fault.calls_left is not None and not _count_down(fault):
        return None  # another process took the last call
    return fault


def _count_down(fault: CarrierFault) -> bool:
    left = CarrierFault.objects.filter(Q(calls_left__gt=0), pk=fault.pk)
    return bool(left.update(calls_left=F("calls_left") - 1))
