"""Let the simulated gateway fail as the rows of GatewayFault say, in whatever process it is called."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import F, Q

from payments.gateway import GatewayTimeout, GatewayUnavailable
from payments.simulator.books import GatewayFault
from shop.postgres.locking import is_empty


@contextmanager
def faulty(operation: str) -> Iterator[bool]:
    """Let the call inside suffer from the oldest fault that hits it, if there is one; True: refuse it."""
    fault = _hit(operation)
    if fault:
        time.sleep(fault.seconds)
    if fault and fault.kind == GatewayFault.Kind.OUTAGE:
        raise GatewayUnavailable(f"{operation}: the gateway is out of service")
    yield bool(fault and fault.kind == GatewayFault.Kind.REFUSAL)
    if fault and fault.kind == GatewayFault.Kind.TIMEOUT:
        raise GatewayTimeout(f"{operation}: no answer in time")


def _hit(operation: str) -> GatewayFault | None:
    if is_empty(GatewayFault):
        return None
    active = GatewayFault.objects.filter(operation__in=["", operation]).exclude(calls_left=0)
    fault = active.order_by("pk").first()
    if fault and fault.calls_left is not None and not _count_down(fault):
        return None  # another process took the last call
    return fault


def _count_down(fault: GatewayFault) -> bool:
    left = GatewayFault.objects.filter(Q(calls_left__gt=0), pk=fault.pk)
    return bool(left.update(calls_left=F("calls_left") - 1))
