"""Pauses by hand: an operator opens a consumer's circuit, with a reason and perhaps an end.

Workers heed it as they heed the breaker, within CACHE_SECONDS. The end of a pause gives the consumer back to
the breaker: its oldest held event goes first, as a probe, and the others follow once that is consumed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import psycopg
from django.db import connection, transaction
from django.utils.translation import gettext

from shop.messaging.consuming.registry import consumers
from shop.messaging.errors import CannotPause
from shop.messaging.models import Circuit
from shop.messaging.outbox import channel

_GIVE_BACK = """
    UPDATE messaging_circuit
    SET paused_by = '', paused_at = NULL, paused_until = NULL, reason = '', probe_at = now()
    WHERE paused_by <> ''
"""


def pause(consumer: str, *, by: str, reason: str, until: datetime | None = None) -> Circuit:
    """Pause a consumer, or change the reason and end of its pause. Its messages wait.

    Raises:
        CannotPause: there is no such consumer, no reason, or the end has passed.
    """
    now = datetime.now(UTC)
    if consumer not in {one.name for one in consumers()}:
        raise CannotPause(gettext("There is no consumer {consumer}.").format(consumer=repr(consumer)))
    if not reason.strip():
        raise CannotPause(gettext("Give a reason: it is shown wherever the pause is."))
    if until and until <= now:
        raise CannotPause(gettext("The end of the pause has passed."))
    with transaction.atomic():
        Circuit.objects.get_or_create(consumer=consumer, defaults={"probe_at": now})
        circuit = Circuit.objects.select_for_update().get(consumer=consumer)
        circuit.paused_by, circuit.reason, circuit.paused_until = by, reason.strip(), until
        circuit.paused_at = circuit.paused_at or now
        circuit.save()
    return circuit


def resume(consumer: str) -> None:
    """End a pause by hand. The relay sends the oldest held event at once.

    Raises:
        CannotPause: the consumer is not paused by hand.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"{_GIVE_BACK} AND consumer = %s", [consumer])
        if not cursor.rowcount:
            raise CannotPause(gettext("{consumer} is not paused by hand.").format(consumer=consumer))
        cursor.execute("SELECT pg_notify(%s, %s)", [channel.CHANNEL, channel.DUE])


def end_due_pauses(session: psycopg.Connection[Any]) -> int:
    """End the pauses whose time has come; return their number. The relay calls this."""
    return session.execute(f"{_GIVE_BACK} AND paused_until <= now()").rowcount
