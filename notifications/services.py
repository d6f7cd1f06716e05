"""What notifications does: remember whom to write to, and send each message once.

A message is written down (committed), then handed to the mail server outside of any transaction, then
marked. A process that dies in between leaves its row ``sending``; when the event comes again, the same
row is sent again under the same Message-ID. So there is one row and one Message-ID per order and kind;
the mail server sees a second copy only if the process died between its answer and our commit. Of a batch,
that are PORTION messages at the most.
"""

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from smtplib import SMTPException
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from notifications.channels import Answer, EmailChannel, Verdict
from notifications.errors import DeliveryPostponed, ResendFailed, StillWaiting
from notifications.letters import message_id, message_id_of_resend, subject, write
from notifications.locks import sole_sender
from notifications.models import Kind, Notification, NotificationQuerySet, Recipient, Resend, State
from shop.messaging.errors import AlreadyConsumed, TooEarly
from shop.messaging.ids import uuid7_at
from shop.messaging.inbox import effects
from shop.messaging.pruning import Pruned, prune
from shop.rows import insert_new

#: So many answers of the mail server are put down together.
PORTION = 10

#: What a customer is told besides name and order number: the values that the templates of a kind show.
Context = dict[str, Any]


def remember_recipients(*, recipients: Sequence[Recipient]) -> None:
    """Remember whom to write to about each order; who is known already stays as remembered."""
    insert_new(sorted(recipients, key=attrgetter("order_id")))


def send_messages(*, kind: Kind, contexts: Mapping[UUID, Context]) -> None:
    """Send the message of this kind to the customer of each order (the keys), unless it was sent before.

    Raises TooEarly, with nothing sent, if the recipient of one is not known yet. An address that the
    mail server refuses is marked failed and does not hold up the others. Raises the mail backend's
    error if the server is down: what it took is marked sent, the rest waits as queued.
    """
    with sole_sender(kind, contexts):
        claimed = _claim(kind, contexts)
        _finish(claimed, *_deliver(claimed))


@transaction.atomic
def _claim(kind: Kind, contexts: Mapping[UUID, Context]) -> list[Notification]:
    """Write the messages down, and take those that are still to be sent."""
    recipients = Recipient.objects.in_bulk(contexts)
    if missing := contexts.keys() - recipients.keys():
        raise TooEarly(f"{kind}: nothing is known yet of order {', '.join(map(str, missing))}")
    drafts = [_draft(kind, recipients[order_id], contexts[order_id]) for order_id in sorted(contexts)]
    new = insert_new(drafts)
    known = contexts.keys() - {notification.order_id for notification in new}
    return sorted([*new, *_claim_known(kind, known)], key=attrgetter("pk"))


def _claim_known(kind: Kind, order_ids: Collection[UUID]) -> list[Notification]:
    """Those that are written down and were not sent, by somebody who died or was not let in."""
    if not order_ids:
        return []
    rows = Notification.objects.filter(kind=kind, order_id__in=order_ids, state__in=State.unsent())
    claimed = list(rows)
    _rows(claimed).move(State.SENDING, attempts=F("attempts") + 1)
    return claimed


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
        state=State.SENDING,
        attempts=1,
    )


def _deliver(claimed: Sequence[Notification]) -> tuple[list[Answer], list[Answer]]:
    """Hand the messages to the mail server; return its answers, and those that are not put down yet."""
    answers: list[Answer] = []
    fresh: list[Answer] = []
    if not claimed:
        return answers, fresh
    try:
        for answer in EmailChannel().send(map(write, claimed)):
            answers.append(answer)
            fresh.append(answer)
            if len(fresh) == PORTION:
                _record(fresh)
                fresh = []
    except Exception as error:
        _record(fresh)
        _rows(claimed).move(State.QUEUED, last_error=_reason(error))
        raise
    return answers, fresh


def _finish(claimed: Sequence[Notification], answers: Sequence[Answer], fresh: Sequence[Answer]) -> None:
    """Consume the events with the answers, which stand even if somebody else consumed one of the events."""
    if postponed := _postponed(claimed, answers):
        _record(fresh)
        _rows(claimed).filter(state=State.SENDING).move(State.QUEUED)
        raise DeliveryPostponed(postponed)
    try:
        with effects():
            _record(fresh)
    except AlreadyConsumed:
        _record(fresh)
        raise


def _postponed(claimed: Sequence[Notification], answers: Sequence[Answer]) -> str:
    """Why not all of the messages are sent or refused; empty if they are."""
    reasons = [answer.reason for answer in answers if answer.verdict is Verdict.POSTPONED]
    if left := len(claimed) - len(answers):
        reasons.append(f"The mail server is slow: {left} of {len(claimed)} messages are left.")
    return " ".join(reasons)


def _record(answers: Sequence[Answer]) -> None:
    """Put down what the mail server said to each letter; doing so again changes nothing."""
    taken = [answer.letter.message_id for answer in answers if answer.verdict is Verdict.TAKEN]
    if taken:
        sent = Notification.objects.filter(message_id__in=taken)
        sent.move(State.SENT, sent_at=timezone.now(), last_error="")
    for answer in answers:
        if answer.verdict is not Verdict.TAKEN:
            state = State.FAILED if answer.verdict is Verdict.REFUSED else State.QUEUED
            row = Notification.objects.filter(message_id=answer.letter.message_id)
            row.move(state, last_error=answer.reason)


def _rows(notifications: Sequence[Notification]) -> NotificationQuerySet:
    return Notification.objects.filter(pk__in=[notification.pk for notification in notifications])


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def resend(*, notification_id: UUID, by: str, email: str = "") -> Notification:
    """Send a message again because an operator says so, to ``email`` if one is given.

    A new address is remembered for the order's later messages. The row stays the only one of its order
    and kind; who had it sent again, when and how it went is added to its history. A resend has a
    Message-ID of its own, derived from its number, for a mailbox would hide a known one.

    Raises StillWaiting if the message is queued or being sent, ResendFailed if it was not taken.
    """
    wanted = Notification.objects.only("kind", "order_id").get(pk=notification_id)
    with sole_sender(wanted.kind, [wanted.order_id]):
        attempt = _begin_resend(notification_id, by, email)
        reason = _try_resend(attempt)
        _finish_resend(attempt, reason)
    if reason:
        raise ResendFailed(f"{attempt.notification} was not taken by the mail server: {reason}")
    return Notification.objects.get(pk=notification_id)


@transaction.atomic
def _begin_resend(notification_id: UUID, by: str, email: str) -> Resend:
    notification = Notification.objects.select_for_update().get(pk=notification_id)
    if notification.state in State.unsent():
        raise StillWaiting(f"{notification} is {notification.state} and will be sent by itself.")
    if email:
        Recipient.objects.filter(pk=notification.order_id).update(email=email)
        notification.email = email
    notification.attempts += 1
    notification.save(update_fields=["attempts", "email"])
    sequence = notification.resends.count() + 1
    return Resend.objects.create(
        notification=notification, sequence=sequence, by=by, email=notification.email
    )


def _try_resend(attempt: Resend) -> str:
    """Hand the message over; return why it was not taken, or nothing."""
    letter = write(attempt.notification, message_id=message_id_of_resend(attempt))
    try:
        (answer,) = EmailChannel().send([letter])
    except (OSError, SMTPException) as error:
        return _reason(error)
    return answer.reason


@transaction.atomic
def _finish_resend(attempt: Resend, reason: str) -> None:
    attempt.outcome = Resend.Outcome.FAILED if reason else Resend.Outcome.SENT
    attempt.error = reason
    attempt.save(update_fields=["outcome", "error"])
    row = _rows([attempt.notification])
    if reason:
        row.update(last_error=reason)
    else:
        row.move(State.SENT, sent_at=timezone.now(), last_error="")


def forget_messages() -> Pruned:
    """Forget messages ``SHOP_NOTIFICATION_RETENTION`` after they were written, sent and sent again.

    Those that still wait to be sent stay. With the last message of an order goes its recipient.
    """
    horizon = timezone.now() - settings.SHOP_NOTIFICATION_RETENTION
    lately = Resend.objects.filter(notification=OuterRef("pk"), requested_at__gte=horizon)
    over = Notification.objects.exclude(state__in=State.unsent()).exclude(sent_at__gte=horizon)
    return prune(over.exclude(Exists(lately)), by="id", before=uuid7_at(horizon), forget=_with_resends)


def _with_resends(messages: QuerySet[Notification]) -> None:
    order_ids = list(messages.values_list("order_id", flat=True))
    Resend.objects.filter(notification__in=messages).delete()
    messages.delete()
    still_told = Notification.objects.filter(order_id=OuterRef("pk"))
    Recipient.objects.filter(pk__in=order_ids).exclude(Exists(still_told)).delete()
