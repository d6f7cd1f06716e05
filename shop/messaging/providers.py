"""Calls to the outside: never inside a transaction, which would be open as long as they take."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from django.db import connection

from shop.messaging.errors import InsideTransaction

logger = logging.getLogger(__name__)

T = TypeVar("T")
A = TypeVar("A")

#: Seconds after which a batch asks no further, far below a task's time limit.
TIME_LIMIT = 10.0


def check_outside_transaction() -> None:
    """Refuse to go on inside a transaction; the one around a test of Django's TestCase does not count.

    Raises InsideTransaction.
    """
    blocks = connection.atomic_blocks
    if blocks and not getattr(blocks[-1], "_from_testcase", False):
        raise InsideTransaction(InsideTransaction.__doc__)


@dataclass(frozen=True, slots=True)
class Results(Generic[A]):
    """What a provider answered about a batch, by aggregate."""

    given: dict[UUID, A]
    #: Those that have no answer: the call failed, or there was no time for it.
    missing: frozenset[UUID]
    #: Why the first of these has none.
    error: Exception | None = None

    def expect_all(self) -> None:
        """Raise the error of the first call that failed; the kernel then takes what is missing one by one."""
        if self.error:
            raise self.error


def call_each(
    questions: Mapping[UUID, T],
    ask: Callable[[T], A],
    *,
    ask_together: Callable[[Mapping[UUID, T]], Mapping[UUID, A]],
) -> Results[A]:
    """Ask a provider about aggregates: about several in one call, then about each that has no answer.

    A call that fails does not keep the others from their answers. After PATIENCE seconds it stops.

    Args:
        ask_together: answers what has an answer at once; what becomes of all else shows ``ask``.
    """
    until = time.monotonic() + TIME_LIMIT
    given: dict[UUID, A] = {}
    error: Exception | None = None
    if len(questions) > 1:
        try:
            given.update(ask_together(questions))
        except Exception as failure:  # noqa: BLE001 - each of them shows what is wrong with it
            logger.warning("%d questions are asked one by one: %r", len(questions), failure)
    for aggregate_id in [asked for asked in questions if asked not in given]:
        if time.monotonic() > until:
            error = error or TimeoutError(f"{len(given)} of {len(questions)} calls took {TIME_LIMIT:.0f} s")
            break
        try:
            given[aggregate_id] = ask(questions[aggregate_id])
        except Exception as failure:  # noqa: BLE001 - expect_all() raises it, once the others have their effects
            error = error or failure
    in_order = {aggregate_id: given[aggregate_id] for aggregate_id in questions if aggregate_id in given}
    return Results(in_order, frozenset(questions.keys() - given.keys()), error)
