"""Receipts: the events of an aggregate as they were hashed, with the path to a signed root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db import transaction

from shop.messaging.log_proof import merkle
from shop.messaging.log_proof.chain import LoggedRow, rows
from shop.messaging.log_proof.roots import leaf_of, statement_of
from shop.messaging.models import LogRoot


def receipt(aggregate_id: UUID, *, with_data: Callable[[str], bool]) -> dict[str, Any]:
    """Return the receipt of an aggregate.

    Args:
        aggregate_id: the aggregate.
        with_data: whether the data of a type of event are included. Their hash is in any case.
    """
    with transaction.atomic():
        logged = list(rows("aggregate_id = %s", [aggregate_id], order="sequence"))
    events = [
        {
            "text": row.text,
            "hash": row.hash.hex() if row.hash else None,
            "data": row.data if with_data(row.type) else None,
        }
        for row in logged
    ]
    return {"events": events, "proof": _proof_of_newest(logged)}


def _proof_of_newest(logged: list[LoggedRow]) -> dict[str, Any] | None:
    """Return the proof of the newest event below a root, which covers those before it by their chain."""
    newest = LogRoot.objects.order_by("number").last()
    signed = [row for row in logged if newest and row.position <= newest.last_position]
    if not signed:
        return None
    root = LogRoot.objects.filter(last_position__gte=signed[-1].position).earliest("number")
    leaf, leaves = leaf_of(signed[-1]), root.leaves.split("\n")
    if leaf not in leaves:
        return None
    before = LogRoot.objects.filter(number=root.number - 1).first()
    return {
        "leaf": leaf,
        "path": [[side, sibling.hex()] for side, sibling in merkle.path_to_root(leaves, leaves.index(leaf))],
        "statement": statement_of(root, before),
        "signature": bytes(root.signature).hex(),
        "public_key": root.public_key,
    }
