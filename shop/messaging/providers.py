"""Calls to providers: outside transactions, in batches where possible, between failpoints."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection

from shop.messaging.errors import InsideTransaction
from shop.messaging.failpoints import are_enabled, reach, register
from shop.messaging.tracing import spans

logger = logging.getLogger(__name__)

T = TypeVar("T")
A = TypeVar("A")
P = TypeVar("P")

#: Seconds after which a batch makes no further call, far below the time limit of tasks.
TIME_LIMIT = 10.0


def check_outside_transaction() -> None:
    """Raise InsideTransaction if a transaction is open, apart from that of a Django TestCase."""
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise InsideTransaction(InsideTransaction.__doc__)


@dataclass(frozen=True, slots=True)
class Results(Generic[A]):
    """Results of a batch of calls, by aggregate."""

    given: dict[UUID, A]
    #: Aggregates without a result: the call failed, or was not made within the time limit.
    missing: frozenset[UUID]
    #: Error of the first call that failed; None if all succeeded.
    error: Exception | None = None

    def raise_first_error(self) -> None:
        """Raise the error of the first call that failed.

        Raised by a consumer, it makes the kernel consume the events without a result one by one.
        """
        if self.error:
            raise self.error


def call_each(
    aggregates: Mapping[UUID, T],
    call: Callable[[T], A],
    *,
    call_together: Callable[[Mapping[UUID, T]], Mapping[UUID, A]],
) -> Results[A]:
    """Call a provider for all aggregates together, then separately for each without a result.

    A failed call does not affect the others. After TIME_LIMIT seconds no further call is made.

    Args:
        aggregates: argument of each call, by aggregate.
        call: makes the call for one aggregate.
        call_together: makes one call for several aggregates. Its result may leave some of them out.
    """
    until = time.monotonic() + TIME_LIMIT
    given: dict[UUID, A] = {}
    error: Exception | None = None
    if len(aggregates) > 1:
        try:
            given.update(call_together(aggregates))
        except Exception as failure:  # noqa: BLE001 - the single calls show the cause
            logger.warning("batch call failed, making %d single calls: %r", len(aggregates), failure)
    for aggregate_id in [wanted for wanted in aggregates if wanted not in given]:
        if time.monotonic() > until:
            error = error or TimeoutError(f"{len(given)} of {len(aggregates)} calls took {TIME_LIMIT:.0f} s")
            break
        try:
            given[aggregate_id] = call(aggregates[aggregate_id])
        except Exception as failure:  # noqa: BLE001 - raised by raise_first_error()
            error = error or failure
    in_order = {aggregate_id: given[aggregate_id] for aggregate_id in aggregates if aggregate_id in given}
    return Results(in_order, frozenset(aggregates.keys() - given.keys()), error)


class Calls:
    """Failpoints before and after each call of a port, when its intent is committed and its result is not."""

    def __init__(self, port: str, *calls: str) -> None:
        self._port, self._calls = port, calls
        register(*(f"{port}.{call}.{side}" for call in calls for side in ("before", "after")))

    def watch(self, provider: P) -> P:
        """Return a proxy of the provider with failpoints and spans; the provider itself without either."""
        watched: Any = _Watched(provider, self._port, self._calls)
        return watched if are_enabled() or spans.are_recorded() else provider


class _Watched:
    """Proxy of a provider that reaches a failpoint before and after each call, which has a span."""

    def __init__(self, provider: object, port: str, calls: tuple[str, ...]) -> None:
        self._provider, self._port, self._calls = provider, port, calls

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._provider, name)
        return self._around(member, f"{self._port}.{name}") if name in self._calls else member

    @staticmethod
    def _around(call: Callable[..., Any], name: str) -> Callable[..., Any]:
        @wraps(call)
        def watched(*args: Any, **kwargs: Any) -> Any:
            reach(f"{name}.before")
            with spans.called(name):
                answer = call(*args, **kwargs)
            reach(f"{name}.after")
            return answer

        return watched
