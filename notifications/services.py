"""What notifications does: remember whom to write to, and send each message once.

A message is handed to the mail server outside of any transaction and written down with the answer, PORTION
messages in a statement. A process that dies in between leaves the portion in hand without its rows; when the
events come again, it is sent again under the same Message-IDs. So there is one row and one Message-ID per
order and kind; the mail server sees a second copy only if the process died between its answer and our commit.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from smtplib import SMTPException
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from notifications.channels import Answer, EmailChannel, Verdict
from notifications.emails import Context, message_id_of_resend, write
from notifications.errors import DeliveryPostponed, ResendFailed, StillWaiting
from notifications.models import Kind, Notification, Recipient, Resend, State
from notifications.repository import store, unsent
from notifications.send_lock import sole_sender
from shop.ids import uuid7_at
from shop.messaging.errors import AlreadyConsumed
from shop.messaging.pruning import Pruned, prune
from shop.messaging.publishing import unit_of_work
from shop.postgres.statements import insert_new

#: So many answers of the mail server are put down together.
PORTION = 10

#: What each answer makes of a message.
_STATES = {Verdict.TAKEN: State.SENT, Verdict.POSTPONED: State.QUEUED, Verdict.REFUSED: State.FAILED}


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
        messages = unsent(kind, contexts)
        fresh: Sequence[Notification] = ()
        if messages:
            _begin(messages)
            fresh = _deliver(messages)
        _finish(messages, fresh)


def _begin(messages: Sequence[Notification]) -> None:
    """Write the first message down before any is sent.

    A database that takes no rows (it is full, it has become a replica) shows it here: else the same
    messages would go out at each attempt, for nothing would tell that they had.
    """
    for message in messages:
        message.attempts += 1
    messages[0].state = State.SENDING
    store(messages[:1])


def _deliver(messages: Sequence[Notification]) -> list[Notification]:
    """Hand the messages to the mail server; return those whose answers are not put down yet."""
    fresh: list[Notification] = []
    answered = 0
    try:
        for answer in EmailChannel().send(map(write, messages)):
            fresh.append(_noted(messages[answered], answer))
            answered += 1
            if len(fresh) == PORTION and answered < len(messages):
                store(fresh)
                fresh = []
    except Exception as error:
        _put_aside(fresh, messages[answered:], _reason(error))
        raise
    if left := messages[answered:]:
        _put_aside(fresh, left, f"The mail server is slow: {len(left)} of {len(messages)} messages are left.")
        return []
    return fresh


def _noted(message: Notification, answer: Answer) -> Notification:
    """The message with what the mail server said to it."""
    message.state, message.last_error = _STATES[answer.verdict], answer.reason
    if answer.verdict is Verdict.TAKEN:
        message.sent_at = timezone.now()
    return message


def _put_aside(answered: Sequence[Notification], left: Sequence[Notification], reason: str) -> None:
    """Put down the answers that there are, and that the others wait."""
    for message in left:
        message.state, message.last_error = State.QUEUED, reason
    store([*answered, *left])


def _finish(messages: Sequence[Notification], fresh: Sequence[Notification]) -> None:
    """Consume the events with the answers, which stand even if somebody else consumed one of the events."""
    if reasons := {message.last_error: None for message in messages if message.state == State.QUEUED}:
        store(fresh)
        raise DeliveryPostponed(" ".join(reasons))
    try:
        with unit_of_work():
            store(fresh)
    except AlreadyConsumed:
        store(fresh)
        raise


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
    row = Notification.objects.filter(pk=attempt.notification_id)
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
