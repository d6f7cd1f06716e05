"""The ledger of messages: which are still to be sent, and how each went, in few statements.

Only the sole sender of a message may ask and write here: what it has read stays true while it sends.
"""

import json
from collections.abc import Mapping, Sequence
from operator import attrgetter
from uuid import UUID

from django.db import connection
from django.utils import timezone

from notifications.letters import Context, message_id, subject
from notifications.models import Kind, Notification, Recipient, State
from shop.messaging.errors import TooEarly

_RECIPIENTS = """
    SELECT order_id, number, name, email FROM notifications_recipient WHERE order_id = ANY(%b)
"""
_KNOWN = """
    SELECT id, order_id, state FROM notifications_notification WHERE kind = %s AND order_id = ANY(%b)
"""
#: What was sent or refused before stays as it is.
_PUT_DOWN = """
    INSERT INTO notifications_notification AS known
        (id, order_id, number, kind, state, name, email, subject, context, message_id, attempts, last_error,
         created_at, sent_at)
    SELECT id, order_id, number, kind, state, name, email, subject, context::jsonb, message_id, attempts,
        last_error, created_at, sent_at
    FROM unnest(
        %b::uuid[], %b::uuid[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[], %b::text[],
        %b::text[], %b::text[], %b::integer[], %b::text[], %b::timestamptz[], %b::timestamptz[]
    ) AS t (id, order_id, number, kind, state, name, email, subject, context, message_id, attempts,
        last_error, created_at, sent_at)
    ON CONFLICT (order_id, kind) DO UPDATE
    SET state = excluded.state, attempts = excluded.attempts, last_error = excluded.last_error,
        sent_at = excluded.sent_at
    WHERE known.state IN ('queued', 'sending')
"""


def unsent(kind: Kind, contexts: Mapping[UUID, Context]) -> list[Notification]:
    """The messages of this kind that are still to be sent, by order: known ones, and drafts.

    Raises TooEarly if the recipient of one is not known yet.
    """
    order_ids = sorted(contexts)
    with connection.cursor() as cursor:
        cursor.execute(_RECIPIENTS, [order_ids])
        recipients = {order_id: Recipient(order_id, *facts) for order_id, *facts in cursor.fetchall()}
        cursor.execute(_KNOWN, [kind, order_ids])
        known = {order_id: (pk, state) for pk, order_id, state in cursor.fetchall()}
    if missing := contexts.keys() - recipients.keys():
        raise TooEarly(f"{kind}: nothing is known yet of order {', '.join(map(str, missing))}")
    waiting = Notification.objects.in_bulk([pk for pk, state in known.values() if state in State.unsent()])
    drafts = (_draft(kind, recipients[new], contexts[new]) for new in order_ids if new not in known)
    return sorted([*waiting.values(), *drafts], key=attrgetter("order_id"))


def _draft(kind: Kind, recipient: Recipient, context: Context) -> Notification:
    return Notification(
        order_id=recipient.order_id,
        number=recipient.number,
        kind=kind,
        name=recipient.name,
        email=recipient.email,
        subject=subject(kind, recipient.number),
        context=context,
        message_id=message_id(recipient.order_id, kind),
        created_at=timezone.now(),
    )


def put_down(messages: Sequence[Notification]) -> None:
    """Write how the messages went; doing so again changes nothing."""
    if not messages:
        return
    columns = zip(*map(_values, messages), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_PUT_DOWN, [list(column) for column in columns])


def _values(message: Notification) -> tuple[object, ...]:
    return (
        message.id,
        message.order_id,
        message.number,
        str(message.kind),
        str(message.state),
        message.name,
        message.email,
        message.subject,
        json.dumps(message.context),
        message.message_id,
        message.attempts,
        message.last_error,
        message.created_at,
        message.sent_at,
    )
