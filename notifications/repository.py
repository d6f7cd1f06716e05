"""Statements of notifications beyond the ORM: recipients added, messages loaded and stored in sets.

A message is loaded and stored by the holder of its send lock only, so that it does not change in between.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from notifications.emails import Context, message_id, subject
from notifications.erasure import is_forgotten, without_person
from notifications.models import WHOLE_ORDER, Kind, Notification, Recipient, Report, State
from shop.messaging.errors import TooEarly
from shop.postgres import json_text, statements

_RECIPIENTS = """
    SELECT order_id, number, name, email FROM notifications_recipient WHERE order_id = ANY(%b)
"""
_STATES = """
    SELECT order_id, state FROM notifications_notification
    WHERE kind = %s AND order_id = ANY(%b) AND about = %s
"""
#: A message that is not sent yet has no reports.
_COLUMNS = tuple(
    field.attname
    for field in Notification._meta.concrete_fields
    if field.attname not in Notification.REPORTED
)
_values = attrgetter(*_COLUMNS)
#: The rows are JSON: psycopg writes arrays value by value. Sent and refused messages stay as they are.
_STORE = f"""
    INSERT INTO notifications_notification AS known ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS)} FROM json_populate_recordset(NULL::notifications_notification, %s::json)
    ON CONFLICT (order_id, kind, about) DO UPDATE
    SET {", ".join(f"{column} = excluded.{column}" for column in Notification.DELIVERY)}
    WHERE known.state IN ('queued', 'sending', 'withheld')
"""  # noqa: S608 - of our own columns

#: An order's number, and its customer's name and e-mail address.
_Person = tuple[str, str, str]


def add_recipients(recipients: Collection[Recipient]) -> None:
    """Insert the recipients of orders that have none."""
    statements.insert_new(sorted(recipients, key=attrgetter("order_id")))


def load_unsent(
    kind: Kind, contexts: Mapping[UUID, Context], about: UUID = WHOLE_ORDER
) -> list[Notification]:
    """Return the unsent messages of this kind and topic, by order id: new ones and queued ones.

    Raises:
        TooEarly: the recipient of one is unknown.
    """
    order_ids = sorted(contexts)
    with connection.cursor() as cursor:
        cursor.execute(_RECIPIENTS, [order_ids])
        recipients: dict[UUID, _Person] = {order_id: person for order_id, *person in cursor.fetchall()}
        cursor.execute(_STATES, [kind, order_ids, about])
        known = dict(cursor.fetchall())
    if missing := contexts.keys() - recipients.keys():
        raise TooEarly(f"{kind}: notifications has not heard of order {', '.join(map(str, sorted(missing)))}")
    new = [_draft(kind, key, about, recipients[key], contexts[key]) for key in order_ids if key not in known]
    queued = [order_id for order_id, state in known.items() if state in State.unsent()]
    if not queued:
        return new
    rows = Notification.objects.filter(kind=kind, about=about, order_id__in=queued)
    return sorted([*new, *rows], key=attrgetter("order_id"))


def withheld_keys(order_ids: Collection[UUID]) -> dict[str, list[UUID]]:
    """Return the orders about which messages are withheld, by kind."""
    rows = Notification.objects.filter(order_id__in=order_ids, state=State.WITHHELD)
    found: defaultdict[str, list[UUID]] = defaultdict(list)
    for kind, order_id in rows.order_by("kind").values_list("kind", "order_id"):
        found[kind].append(order_id)
    return found


def load_withheld(order_ids: Collection[UUID]) -> list[Notification]:
    """Return the withheld messages about orders, in the order in which they were written."""
    return list(Notification.objects.filter(order_id__in=order_ids, state=State.WITHHELD).order_by("pk"))


def readdress(addresses: Collection[str], email: str) -> list[UUID]:
    """Write to a confirmed address instead of unconfirmed ones; return the orders with withheld messages."""
    Recipient.objects.filter(email__in=addresses).update(email=email)
    withheld = Notification.objects.filter(email__in=addresses, state=State.WITHHELD)
    order_ids = list(withheld.order_by("order_id").values_list("order_id", flat=True).distinct())
    withheld.update(email=email)
    return order_ids


def readdress_order(order_id: UUID, email: str) -> bool:
    """Write to another address about an order; return whether messages about it are withheld."""
    Recipient.objects.filter(pk=order_id).update(email=email)
    withheld = Notification.objects.filter(order_id=order_id, state=State.WITHHELD)
    return bool(withheld.update(email=email))


def _draft(kind: Kind, order_id: UUID, about: UUID, person: _Person, context: Context) -> Notification:
    number, name, email = person
    return Notification(
        order_id=order_id,
        number=number,
        kind=kind,
        about=about,
        name=name,
        email=email,
        subject=subject(kind, number),
        context=without_person(context) if is_forgotten(name, email) else context,
        message_id=message_id(order_id, kind, about),
        created_at=timezone.now(),
    )


def lock(notification_id: UUID) -> Notification:
    """Lock a message until the transaction ends; Notification.DoesNotExist if there is none."""
    return Notification.objects.select_for_update().get(pk=notification_id)


def store(messages: Sequence[Notification]) -> None:
    """Insert new messages and write the delivery of known ones, in one statement. Idempotent."""
    if not messages:
        return
    rows = [dict(zip(_COLUMNS, _values(message), strict=True)) for message in messages]
    with connection.cursor() as cursor:
        cursor.execute(_STORE, [json_text.dumps(rows)])


def messages_with_copies(order_id: UUID) -> list[tuple[Notification, int]]:
    """Return the messages about an order, each with the number of its resends."""
    messages = Notification.objects.filter(order_id=order_id)
    copies = dict(messages.values_list("pk", Count("resends")))
    return [(message, copies.get(message.pk, 0)) for message in messages]


def store_report(message: Notification, report: Report, at: datetime, detail: str) -> None:
    """Write what the provider has reported, unless a graver report is known. Idempotent."""
    rows = Notification.objects.filter(pk=message.pk, report__in=Report.before(report))
    rows.update(report=report, reported_at=at, report_detail=detail)


def store_resend(message: Notification) -> None:
    """Write the address and the attempts of a message that is sent again, which is locked.

    The reports were about an earlier copy.
    """
    message.report, message.reported_at, message.report_detail = "", None, ""
    message.save(update_fields=["attempts", "email", *Notification.REPORTED])
