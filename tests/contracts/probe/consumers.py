"""Consumers of the probe: they note each event in a table, or fail as the event demands."""

import os
import signal
from collections.abc import Sequence

from django.db import connection

from shop.messaging.consuming import consumes
from shop.messaging.errors import PermanentFailure, TooEarly
from tests.contracts.probe.events import ProbeDue, ProbeNudged, ProbeSent
from tests.contracts.probe.notes import note

#: Advisory lock that a test holds to keep a probe waiting.
LEAVE = 7399


def noted(probe_id: object, what: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM probe_note WHERE probe_id = %s AND what = %s", [probe_id, what])
        return bool(cursor.fetchone()[0])


def wait_for_leave() -> None:
    """Wait until no test holds the lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LEAVE])


@consumes(ProbeSent, batch=50)
def when_probe_sent_note_it(events: Sequence[ProbeSent]) -> None:
    for event in events:
        note(event.probe_id, event.behaviour, len(events))
        if event.behaviour == "fail":
            raise ValueError("this probe always fails")
        if event.behaviour == "refuse":
            raise PermanentFailure("this probe can never be consumed")
        if event.behaviour == "too_early" and not noted(event.probe_id, "nudged"):
            raise TooEarly("not nudged yet")
        if event.behaviour == "wait":
            wait_for_leave()
        if event.behaviour == "crash":
            os.kill(os.getpid(), signal.SIGKILL)


@consumes(ProbeNudged)
def when_probe_nudged_note_it(event: ProbeNudged) -> None:
    note(event.probe_id, "nudged")


@consumes(ProbeDue)
def when_probe_due_note_it(event: ProbeDue) -> None:
    note(event.probe_id, "due")
