"""Signed roots over what was appended to the log, each over the events since the one before it.

A root keeps its leaves, one line an event: position, type, aggregate and hash. By them an event that was
removed afterwards can still be named.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import islice

from django.db import connection, transaction
from django.db.models import Max

from shop.messaging.log_proof import keys, merkle
from shop.messaging.log_proof.chain import LoggedRow, link, rows
from shop.messaging.models import EventRecord, LogRoot

#: Largest number of events below one root.
LIMIT = 10_000
#: Seconds to wait for the transactions that may still commit an event below the newest position.
TIMEOUT = 20.0
#: Seconds from reading the newest position to looking which transactions are open: a transaction is not
#: visible yet between taking a position and writing its first row.
_SETTLING = 1.0

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('shop.messaging.log_proof'))"


def sign_new_events(*, settling: float = _SETTLING) -> int:
    """Sign roots over all events since the last root; return the number of events.

    Events of transactions that are still open are left to the next call, and so are all after them.
    """
    until = _settled_position(settling)
    signed = 0
    while until and (count := _sign_one(until)):
        signed += count
    return signed


def leaf_of(row: LoggedRow) -> str:
    """Return the leaf of an event. An event from before the chain is hashed as if it began one."""
    return f"{row.position} {row.type} {row.aggregate_id} {(row.hash or link(None, row.text)).hex()}"


def statement_of(root: LogRoot, before: LogRoot | None) -> str:
    """Return the text that is signed. It names the signature before it, so that no root can be left out."""
    return "\n".join(
        [
            "root of the event log",
            str(root.number),
            bytes(before.signature).hex() if before else "",
            str(root.last_position),
            str(root.events),
            bytes(root.root).hex(),
            f"{root.signed_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        ]
    )


def _settled_position(settling: float) -> int | None:
    """Return the position below which no event can appear any more; None if that is not known in time."""
    newest: int | None = EventRecord.objects.aggregate(newest=Max("position"))["newest"]
    time.sleep(settling)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        (open_until,) = cursor.fetchone()
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= %s", [open_until])
            if cursor.fetchone()[0]:
                return newest
            time.sleep(0.1)
    return None


def _sign_one(until: int) -> int:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_LOCK)
        before = LogRoot.objects.order_by("number").last()
        after = before.last_position if before else 0
        found = rows("position > %s AND position <= %s", [after, until], order="position")
        new = list(islice(found, LIMIT))
        if not new:
            return 0
        leaves = list(map(leaf_of, new))
        root = LogRoot(
            number=before.number + 1 if before else 1,
            last_position=new[-1].position,
            events=len(new),
            leaves="\n".join(leaves),
            root=merkle.root_of(leaves),
            signed_at=datetime.now(UTC),
            public_key=keys.public_key(),
        )
        root.signature = keys.sign(statement_of(root, before))
        root.save(force_insert=True)
    return len(new)
