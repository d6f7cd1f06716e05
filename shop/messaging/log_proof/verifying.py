"""Verification of the log: events that were changed, removed or added by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Min

from shop.messaging.log_proof import keys, merkle
from shop.messaging.log_proof.chain import LoggedRow, link, rows
from shop.messaging.log_proof.roots import leaf_of, statement_of
from shop.messaging.models import EventRecord, LogRoot


@dataclass(frozen=True, slots=True)
class Fault:
    """An event, or a root, that is not as it was appended."""

    problem: str
    #: None if only its neighbours are known.
    position: int | None = None
    type: str = ""
    aggregate_id: UUID | None = None
    sequence: int | None = None


def faults() -> Iterator[Fault]:
    """Yield the faults of the log as of now: those of the chains, then those of the signed roots."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield from _faults_of_chains()
        yield from _faults_of_roots()


def events_without_hash() -> int:
    """Return the number of events from before the hash chain."""
    return EventRecord.objects.filter(hash__isnull=True).count()


def _faults_of_chains() -> Iterator[Fault]:
    begins = EventRecord.objects.filter(hash__isnull=False).aggregate(at=Min("position"))["at"]
    before: LoggedRow | None = None
    for row in rows("true", [], order="aggregate_id, sequence"):
        if before and before.aggregate_id != row.aggregate_id:
            before = None
        yield from _faults_of(row, before, begins or row.position + 1)
        before = row


def _faults_of(row: LoggedRow, before: LoggedRow | None, begins: int) -> Iterator[Fault]:
    """Yield the faults between an event and the one before it in its aggregate."""
    expected = before.sequence + 1 if before else 1
    for missing in range(expected, row.sequence):
        yield Fault("was removed", None, "", row.aggregate_id, missing)
    if row.hash is None:
        if row.position > begins:
            yield _fault("its hash was removed", row)
        return
    if row.sequence == expected and row.hash != link(before.hash if before else None, row.text):
        yield _fault("was changed, or the event before it in its order", row)


def _faults_of_roots() -> Iterator[Fault]:
    before: LogRoot | None = None
    for root in LogRoot.objects.order_by("number").iterator(chunk_size=20):
        name, leaves = f"root {root.number}", root.leaves.split("\n")
        if root.number != (before.number + 1 if before else 1):
            yield Fault(f"{name}: the root before it was removed")
        elif not keys.is_signed(statement_of(root, before), bytes(root.signature), root.public_key):
            yield Fault(f"{name} was changed: its signature is wrong")
        elif root.public_key not in keys.known_public_keys():
            yield Fault(f"{name} is signed by an unknown key: {root.public_key}")
        if merkle.root_of(leaves) != bytes(root.root) or len(leaves) != root.events:
            yield Fault(f"{name} was changed: its leaves are not those that were signed")
        yield from _faults_below(root, leaves, before.last_position if before else 0)
        before = root


def _faults_below(root: LogRoot, leaves: list[str], after: int) -> Iterator[Fault]:
    """Yield the events that differ from the leaves of their root."""
    signed = {int(leaf.split(" ")[0]): leaf for leaf in leaves}
    for row in rows("position > %s AND position <= %s", [after, root.last_position], order="position"):
        leaf = signed.pop(row.position, None)
        if leaf is None:
            yield _fault(f"was added after root {root.number} was signed", row)
        elif leaf != leaf_of(row):
            yield _fault(f"was changed after root {root.number} was signed", row)
    for leaf in signed.values():
        position, type_, aggregate, _ = leaf.split(" ")
        yield Fault(f"was removed after root {root.number} was signed", int(position), type_, UUID(aggregate))


def _fault(problem: str, row: LoggedRow) -> Fault:
    return Fault(problem, row.position, row.type, row.aggregate_id, row.sequence)
