"""Failpoints: named places in the code where a test may kill the process.

They do nothing unless the environment variable ``SHOP_FAILPOINTS_DIR`` names a folder. A test arms a point
with a file of its name in that folder. The first process that reaches the point removes the file and dies by
SIGKILL. Exactly one process dies, and the missing file shows that the point was reached.
"""

import logging
import os
import signal
from collections.abc import Callable
from enum import StrEnum

#: Environment variable for the folder of armed points. Only tests set it.
VARIABLE = "SHOP_FAILPOINTS_DIR"
_FOLDER = os.environ.get(VARIABLE, "")


class Point(StrEnum):
    """Failpoints of the kernel, in the order in which a message reaches them."""

    # Publishing, in the web server or in a consumer.
    BEFORE_APPEND = "outbox.append.before"
    #: Log and outbox are written and not committed. Exception: one statement writes and commits an order.
    AFTER_APPEND = "outbox.append.after"
    BEFORE_REQUEST_COMMIT = "request.commit.before"
    #: The order is accepted; the customer has no response yet.
    AFTER_REQUEST_COMMIT = "request.commit.after"

    # Relay.
    BEFORE_PUBLISH = "relay.publish.before"
    #: Sent and not confirmed; with a broker without publisher confirms, in the middle of a batch.
    AFTER_PUBLISH = "relay.publish.after"
    #: Confirmed by the broker, and still in the outbox.
    AFTER_CONFIRM = "relay.confirm.after"
    AFTER_DELETE = "relay.delete.after"
    BEFORE_PROMOTE = "relay.promote.before"
    AFTER_PROMOTE = "relay.promote.after"

    # Consumer whose work is one transaction.
    BEFORE_INSERT = "inbox.insert.before"
    AFTER_INSERT = "inbox.insert.after"
    BEFORE_COMMIT = "consumer.commit.before"
    #: Consumed and not acknowledged.
    AFTER_COMMIT = "consumer.commit.after"

    # Consumer that calls a provider: commit of the result.
    BEFORE_ANSWER_COMMIT = "answer.commit.before"
    AFTER_ANSWER_COMMIT = "answer.commit.after"

    # Messages that failed, arrived too early, or cannot be consumed at all.
    BEFORE_RETRY = "failure.retry.before"
    AFTER_RETRY = "failure.retry.after"
    BEFORE_DEFER = "failure.defer.before"
    AFTER_DEFER = "failure.defer.after"
    BEFORE_DEAD_LETTER = "failure.dead-letter.before"
    AFTER_DEAD_LETTER = "failure.dead-letter.after"

    # Circuit breaker: messages held for a paused consumer, and its probe.
    BEFORE_HOLD = "circuit.hold.before"
    AFTER_HOLD = "circuit.hold.after"
    AFTER_PROBE = "circuit.probe.after"
    #: The probe is consumed; the other messages are still held.
    BEFORE_CLOSE = "circuit.close.before"
    AFTER_CLOSE = "circuit.close.after"

    # Worker: outcome of a message, sent to the broker.
    BEFORE_ACKNOWLEDGE = "message.acknowledge.before"
    AFTER_ACKNOWLEDGE = "message.acknowledge.after"
    BEFORE_DEAD_QUEUE = "message.dead-queue.before"
    AFTER_DEAD_QUEUE = "message.dead-queue.after"


_points: list[str] = list(Point)


def register(*names: str) -> None:
    """Register the failpoints of a provider."""
    _points.extend(names)


def are_enabled() -> bool:
    """Return whether failpoints are enabled in this process."""
    return bool(_FOLDER)


def points() -> list[str]:
    """Return all failpoints: those of the kernel and of the imported providers."""
    return list(_points)


def _do_nothing(point: str) -> None:
    """Ignore the point: failpoints are disabled."""


def _die_if_armed(point: str) -> None:
    try:
        os.unlink(os.path.join(_FOLDER, point))  # succeeds in one process only
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


#: Report that a point is reached.
reach: Callable[[str], None] = _die_if_armed if _FOLDER else _do_nothing


if _FOLDER:
    logging.getLogger(__name__).warning(
        "%s=%s: failpoints are enabled, processes may be killed", VARIABLE, _FOLDER
    )
