"""Failpoints: named places at which a test may kill the process, to see that the shop recovers.

They are inert unless the environment variable ``SHOP_FAILPOINTS_DIR`` names a folder. A test arms a point by
a file of its name in that folder. The first process that reaches the point removes the file and dies by
SIGKILL: exactly one process, and a missing file shows that its point was reached.
"""

import logging
import os
import signal
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

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
    BEFORE_DEFER = "failure.defer.before"
    AFTER_DEFER = "failure.defer.after"
    BEFORE_DEAD_LETTER = "failure.dead-letter.before"
    AFTER_DEAD_LETTER = "failure.dead-letter.after"

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


def register(*names: str) -> None:
    """Add the points of a port."""
    _points.extend(names)


def are_enabled() -> bool:
    """Tell whether this process can be killed at its points."""
    return bool(_FOLDER)


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


if _FOLDER:
    logging.getLogger(__name__).warning("%s=%s: processes can be made to die here", VARIABLE, _FOLDER)
