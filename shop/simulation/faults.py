"""Fault injection for simulated providers. Faults are rows, so that all processes see them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from shop.postgres.locking import is_empty


class FaultKind(models.TextChoices):
    """Kinds of faults that every simulated provider can have."""

    #: Refuses calls without any effect.
    OUTAGE = "outage"
    #: Carries calls out, and then does not answer.
    TIMEOUT = "timeout"
    #: Answers late.
    SLOW = "slow"


class Fault(models.Model):
    """Fault of a simulated provider, until the row is deleted. Base of the model of each provider.

    A provider's model adds ``kind`` and ``operation``, with its own choices.
    """

    #: One of :class:`FaultKind`, or a kind of the provider's own.
    kind: models.CharField[Any, Any]
    #: Operation that has the fault; empty for all.
    operation: models.CharField[Any, Any]
    #: Delay of every answer.
    seconds = models.FloatField(default=0)
    #: Number of calls left to hit; empty for no limit.
    calls_left = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.kind} of {self.operation or 'every call'}"


@contextmanager
def faulty(
    faults: type[Fault], operation: str, *, unavailable: type[Exception], timeout: type[Exception]
) -> Iterator[str]:
    """Inject the oldest fault of an operation into the call in the block; yield its kind, empty for none.

    Args:
        faults: the provider's model of faults.
        operation: name of the call.
        unavailable: error of an outage, raised before the call.
        timeout: error of a timeout, raised after the call.
    """
    fault = _next_fault(faults, operation)
    if not fault:
        yield ""
        return
    time.sleep(fault.seconds)
    if fault.kind == FaultKind.OUTAGE:
        raise unavailable(f"{operation}: out of service")
    yield fault.kind
    if fault.kind == FaultKind.TIMEOUT:
        raise timeout(f"{operation}: no answer in time")


def _next_fault(faults: type[Fault], operation: str) -> Fault | None:
    if is_empty(faults):
        return None
    active = faults._default_manager.filter(Q(operation__in=["", operation])).exclude(calls_left=0)
    fault = active.order_by("pk").first()
    if fault and fault.calls_left is not None and not _count_down(fault):
        return None  # a concurrent call was the last one
    return fault


def _count_down(fault: Fault) -> bool:
    left = type(fault)._default_manager.filter(Q(calls_left__gt=0), pk=fault.pk)
    return bool(left.update(calls_left=F("calls_left") - 1))
