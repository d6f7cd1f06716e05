"""The ledger of messages: which are still to be sent, and how each went, in few statements.

Only the sole sender of a message may ask and write here: what it has read stays true while it sends.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from uuid import UUID

from django.db import connection
from django.utils import timezone

from notifications.emails import Context, message_id, subject
from notifications.models import Kind, Notification, State
from shop.messaging.errors import TooEarly
from shop.postgres import json_text

_RECIPIENTS = """
    SELECT order_id, number, name, email FROM notifications_recipient WHERE order_id = ANY(%b)
"""
_KNOWN = """
    SELECT order_id, state FROM notifications_notification WHERE kind = %s AND order_id = ANY(%b)
"""
_COLUMNS = tuple(field.attname for field in Notification._meta.concrete_fields)
_values = attrgetter(*_COLUMNS)
#: As JSON, for psycopg writes arrays value by value. What was sent or refused before stays as it is.
_PUT_DOWN = f"""
    INSERT INTO notifications_notification AS known ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS)} FROM json_populate_recordset(NULL::notifications_notification, %s::json)
    ON CONFLICT (order_id, kind) DO UPDATE
    SET state = excluded.state, attempts = excluded.attempts, last_error = excluded.last_error,
        sent_at = excluded.sent_at
    WHERE known.state IN ('queued', 'sending')
"""  # noqa: S608 - of our own columns

#: An order's number, and its customer's name and e-mail address.
_Person = tuple[str, str, str]


def unsent(kind: Kind, contexts: Mapping[UUID, Context]) -> list[Notification]:
    """The messages of this kind that are still to be sent, by order: drafts, and what waits already.

    Raises TooEarly if the recipient of one is not known yet.
    """
    order_ids = sorted(contexts)
    with connection.cursor() as cursor:
        cursor.execute(_RECIPIENTS, [order_ids])
        recipients: dict[UUID, _Person] = {order_id: person for order_id, *person in cursor.fetchall()}
        cursor.execute(_KNOWN, [kind, order_ids])
        known = dict(cursor.fetchall())
    if missing := contexts.keys() - recipients.keys():
        raise TooEarly(f"{kind}: nothing is known yet of order {', '.join(map(str, missing))}")
    drafts = [_draft(kind, new, recipients[new], contexts[new]) for new in order_ids if new not in known]
    waiting = [order_id for order_id, state in known.items() if state in State.unsent()]
    if not waiting:
        return drafts
    rows = Notification.objects.filter(kind=kind, order_id__in=waiting)
    return sorted([*drafts, *rows], key=attrgetter("order_id"))


def _draft(kind: Kind, order_id: UUID, person: _Person, context: Context) -> Notification:
    number, name, email = person
    return Notification(
        order_id=order_id,
        number=number,
        kind=kind,
        name=name,
        email=email,
        subject=subject(kind, number),
        context=context,
        message_id=message_id(order_id, kind),
        created_at=timezone.now(),
    )


def store(messages: Sequence[Notification]) -> None:
    """Write how the messages went; doing so again changes nothing."""
    if not messages:
        return
    rows = [dict(zip(_COLUMNS, _values(message), strict=True)) for message in messages]
    with connection.cursor() as cursor:
        cursor.execute(_PUT_DOWN, [json_text.dumps(rows)])
