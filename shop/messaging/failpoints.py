"""Failpoints: the named places at which a test may end a process with ``kill -9``, to see that it recovers.

They are inert unless the environment variable ``SHOP_FAILPOINTS_DIR`` names a folder. There a test arms a
point by making a file of its name. The first process that gets there takes the file away and dies: exactly
one, and a file that is gone shows that its point was reached.
"""

import logging
import os
import signal
from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar

P = TypeVar("P")

#: Set by tests alone.
VARIABLE = "SHOP_FAILPOINTS_DIR"
_FOLDER = os.environ.get(VARIABLE, "")


class Point(StrEnum):
    """The kernel's points, in the order in which a message meets them."""

    # Whoever publishes: the web server, or a consumer.
    BEFORE_APPEND = "outbox.append.before"
    #: Log and outbox are written, and not committed; but for an accepted order, which is one statement.
    AFTER_APPEND = "outbox.append.after"
    BEFORE_REQUEST_COMMIT = "request.commit.before"
    #: The order is accepted, and its customer does not know.
    AFTER_REQUEST_COMMIT = "request.commit.after"

    # The relay.
    BEFORE_PUBLISH = "relay.publish.before"
    #: Sent, and not confirmed; on a broker without confirms in the middle of a batch.
    AFTER_PUBLISH = "relay.publish.after"
    #: The broker has it, and it is still in the outbox.
    AFTER_CONFIRM = "relay.confirm.after"
    AFTER_DELETE = "relay.delete.after"
    BEFORE_PROMOTE = "relay.promote.before"
    AFTER_PROMOTE = "relay.promote.after"

    # A consumer: all its work is one transaction.
    BEFORE_INSERT = "inbox.insert.before"
    AFTER_INSERT = "inbox.insert.after"
    BEFORE_COMMIT = "consumer.commit.before"
    #: Consumed, and not acknowledged.
    AFTER_COMMIT = "consumer.commit.after"

    # A consumer that calls a provider, when it commits the answer.
    BEFORE_ANSWER_COMMIT = "answer.commit.before"
    AFTER_ANSWER_COMMIT = "answer.commit.after"

    # What cannot be consumed now, too early, or ever.
    BEFORE_RETRY = "failure.retry.before"
    AFTER_RETRY = "failure.retry.after"
    BEFORE_PARK = "failure.park.before"
    AFTER_PARK = "failure.park.after"
    BEFORE_BURY = "failure.bury.before"
    AFTER_BURY = "failure.bury.after"

    # A consumer that is paused: what comes for it, and the probe by which it goes on.
    BEFORE_HOLD = "circuit.hold.before"
    AFTER_HOLD = "circuit.hold.after"
    AFTER_PROBE = "circuit.probe.after"
    #: The probe is consumed, and all the others are held.
    BEFORE_CLOSE = "circuit.close.before"
    AFTER_CLOSE = "circuit.close.after"

    # The worker, with the broker.
    BEFORE_ACKNOWLEDGE = "message.acknowledge.before"
    AFTER_ACKNOWLEDGE = "message.acknowledge.after"
    BEFORE_DEAD_QUEUE = "message.dead-queue.before"
    AFTER_DEAD_QUEUE = "message.dead-queue.after"


_points: list[str] = list(Point)


def points() -> list[str]:
    """All points: the kernel's, and those of the ports that are imported."""
    return list(_points)


def _go_on(point: str) -> None:
    """Do nothing: no test has set a folder."""


def _die_if_armed(point: str) -> None:
    try:
        os.unlink(os.path.join(_FOLDER, point))  # of several processes one gets it
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


#: Say that a point is reached.
reach: Callable[[str], None] = _die_if_armed if _FOLDER else _go_on


class Calls:
    """The points before and after each call of a port, whose intents are committed and answers not yet."""

    def __init__(self, port: str, *calls: str) -> None:
        self._port, self._calls = port, calls
        _points.extend(f"{port}.{call}.{side}" for call in calls for side in ("before", "after"))

    def watch(self, provider: P) -> P:
        """Return the provider with its points; without a test it is the provider itself."""
        watched: Any = _Watched(provider, self._port, self._calls)
        return watched if _FOLDER else provider


class _Watched:
    """Stands in for a provider and reaches the points around its calls."""

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
            answer = call(*args, **kwargs)
            reach(f"{name}.after")
            return answer

        return watched


if _FOLDER:
    logging.getLogger(__name__).warning("%s=%s: processes can be made to die here", VARIABLE, _FOLDER)
