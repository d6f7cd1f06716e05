"""Services of notifications: remember the recipients, send each message once, and resend it on request.

E-mails are sent outside of transactions, and CHUNK replies are stored by one statement. If the process dies
before that, these e-mails are sent again when the events come again, under the same Message-IDs. So there is
one row and one Message-ID per order, kind and topic, and the mail server gets a duplicate only if the process
died between its reply and the commit.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from typing import TypeAlias
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from notifications import repository
from notifications.channels import EmailChannel, Outcome, Reply
from notifications.emails import Context, compose, message_id_of_resend
from notifications.erasure import is_forgotten
from notifications.errors import (
    CustomerWasForgotten,
    DeliveryPostponed,
    MailCameBack,
    ResendFailed,
    StillWaiting,
)
from notifications.events import WithheldMessagesDue
from notifications.models import WHOLE_ORDER, Kind, Notification, Recipient, Resend, State
from notifications.send_lock import send_locks
from shop.accounts.queries import came_back, unconfirmed
from shop.ids import uuid7_at
from shop.messaging.errors import AlreadyConsumed
from shop.messaging.pruning import Pruned, prune
from shop.messaging.publishing import unit_of_work
from shop.messaging.scheduling import schedule

#: Writes down who sends a message again.
Note: TypeAlias = Callable[[Notification], None]

#: Number of replies of the mail server that one statement stores.
CHUNK = 10

#: Reason of a withheld message.
UNCONFIRMED = gettext_noop("Nothing is sent to this e-mail address before it is confirmed.")

#: Outcome of an attempt -> state of the message.
_STATES = {Outcome.ACCEPTED: State.SENT, Outcome.POSTPONED: State.QUEUED, Outcome.REFUSED: State.FAILED}


def remember_recipients(*, recipients: Sequence[Recipient]) -> None:
    """Remember the recipients of the messages about orders. A known recipient stays as it is."""
    repository.add_recipients(recipients)


# --- Sending ---------------------------------------------------------------------------------


def send_messages(*, kind: Kind, contexts: Mapping[UUID, Context], about: UUID = WHOLE_ORDER) -> None:
    """Send the message of this kind to the customer of each order (the keys), unless it was sent before.

    ``about`` is the part of the order that it is about; there may be messages of one kind about several.

    A refused address marks its message as failed and does not delay the others. After any other failure,
    the messages without a reply are queued.

    Raises:
        TooEarly: the recipient of a message is unknown; nothing was sent.
        DeliveryPostponed: the mail server did not accept all messages; call again.
        OSError, SMTPException: the mail server is unreachable or broken; call again.
    """
    with send_locks(kind, contexts):
        _send(repository.load_unsent(kind, contexts, about))


def send_withheld(*, order_ids: Sequence[UUID]) -> None:
    """Send the messages about orders that were withheld, oldest first.

    Raises:
        DeliveryPostponed, OSError, SMTPException: as :func:`send_messages`.
    """
    with ExitStack() as locks:
        for kind, withheld in repository.withheld_keys(order_ids).items():
            locks.enter_context(send_locks(kind, withheld))
        _send(repository.load_withheld(order_ids))


def release_withheld(*, addresses: Collection[str], email: str) -> None:
    """Have the messages sent that were withheld from addresses, to the one that is confirmed now."""
    with unit_of_work():
        for order_id in repository.readdress(addresses, email):
            schedule(WithheldMessagesDue(order_id=order_id), at=timezone.now())


def _send(found: Sequence[Notification]) -> None:
    """Send messages, but withhold those to addresses that nobody has confirmed; consume the events."""
    messages, withheld = _without_unconfirmed(found)
    unstored: Sequence[Notification] = ()
    if messages:
        _begin(messages)
        unstored = _deliver(messages)
    _store_and_consume(messages, unstored, withheld)


def _without_unconfirmed(found: Sequence[Notification]) -> tuple[list[Notification], list[Notification]]:
    """Part the messages to be sent from those to be withheld, by one statement."""
    closed = unconfirmed(message.email for message in found) if found else frozenset()
    messages = [message for message in found if message.email.lower() not in closed]
    withheld = [message for message in found if message.email.lower() in closed]
    for message in withheld:
        message.state, message.last_error = State.WITHHELD, UNCONFIRMED
    return messages, withheld


def _begin(messages: Sequence[Notification]) -> None:
    """Count the attempt, and store the first message before any is sent.

    This fails if the database accepts no rows (a full disk, a replica). Otherwise the messages would be sent
    at each attempt, as no row could show that they were.
    """
    for message in messages:
        message.attempts += 1
    messages[0].state = State.SENDING
    repository.store(messages[:1])


def _deliver(messages: Sequence[Notification]) -> list[Notification]:
    """Send the messages, and store the replies in chunks; return the last chunk, which is not stored."""
    unstored: list[Notification] = []
    replied = 0
    try:
        for reply in EmailChannel().send(map(compose, messages)):
            unstored.append(_with_reply(messages[replied], reply))
            replied += 1
            if len(unstored) == CHUNK and replied < len(messages):
                repository.store(unstored)
                unstored = []
    except Exception as error:
        _store_and_queue(unstored, messages[replied:], _describe(error))
        raise
    if left := messages[replied:]:
        slow = f"The mail server is slow: {len(left)} of {len(messages)} messages are left."
        _store_and_queue(unstored, left, slow)
        return []
    return unstored


def _with_reply(message: Notification, reply: Reply) -> Notification:
    """Set the state of a message by the mail server's reply."""
    message.state, message.last_error = _STATES[reply.outcome], reply.reason
    if reply.outcome is Outcome.ACCEPTED:
        message.sent_at = timezone.now()
    return message


def _store_and_queue(replied: Sequence[Notification], left: Sequence[Notification], reason: str) -> None:
    """Store the replies that came, and queue the messages without a reply."""
    for message in left:
        message.state, message.last_error = State.QUEUED, reason
    repository.store([*replied, *left])


def _store_and_consume(
    messages: Sequence[Notification], unstored: Sequence[Notification], withheld: Sequence[Notification]
) -> None:
    """Store the last replies and what is withheld, and consume the events, unless messages are left.

    The replies are stored even if another process has consumed one of the events meanwhile.
    """
    if reasons := {message.last_error: None for message in messages if message.state == State.QUEUED}:
        repository.store([*unstored, *withheld])
        raise DeliveryPostponed(" ".join(reasons))
    try:
        with unit_of_work():
            _check_unconfirmed(withheld)
            repository.store([*unstored, *withheld])
    except (AlreadyConsumed, DeliveryPostponed):
        repository.store(unstored)
        raise


def _check_unconfirmed(withheld: Sequence[Notification]) -> None:
    """Keep addresses from being confirmed before what is withheld is stored, and so found and released."""
    addresses = {message.email.lower() for message in withheld}
    if addresses and unconfirmed(addresses, lock=True) != addresses:
        raise DeliveryPostponed("An address was confirmed meanwhile: its messages are sent now.")


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


# --- Resending -------------------------------------------------------------------------------


def resend(
    *, notification_id: UUID, by: str, email: str = "", note: Note = lambda notification: None
) -> Notification:
    """Send a message again for an operator, to ``email`` if that is given.

    The new address is kept for later messages about the order. The message keeps its row; its history gets
    an entry with the operator, the address and the outcome; ``note`` is called in the same transaction. The
    resend has a Message-ID of its own, as mailboxes hide duplicates.

    Raises:
        StillWaiting: the message is queued or being sent.
        ResendFailed: the mail server did not accept it.
    """
    wanted = Notification.objects.only("kind", "order_id").get(pk=notification_id)
    with send_locks(wanted.kind, [wanted.order_id]):
        attempt = _begin_resend(notification_id, by, email, note)
        failure = _try_resend(attempt)
        _finish_resend(attempt, failure)
    if failure:
        text = gettext("{message} was not accepted by the mail server: {failure}")
        raise ResendFailed(text.format(message=attempt.notification, failure=failure))
    return Notification.objects.get(pk=notification_id)


def _when_sent(message: Notification) -> str:
    """Return why a message that was not sent yet is not sent again."""
    if message.state == State.WITHHELD:
        text = gettext("{message} is withheld and will be sent automatically when the address is confirmed.")
    else:
        text = gettext("{message} is queued and will be sent automatically.")
    return text.format(message=message)


@transaction.atomic
def _begin_resend(notification_id: UUID, by: str, email: str, note: Note) -> Resend:
    notification = repository.lock(notification_id)
    if notification.state in State.unsent():
        raise StillWaiting(_when_sent(notification))
    if is_forgotten(notification.name, notification.email):
        raise CustomerWasForgotten(
            gettext("The customer was forgotten: there is nobody to send {message} to.").format(
                message=notification
            )
        )
    if came_back(email or notification.email):
        text = gettext(
            "{message} was not sent again: mail to this address came back. "
            "Give another one, or let mail pass to it (Unconfirmed addresses)."
        )
        raise MailCameBack(text.format(message=notification))
    if email:
        _readdress_order(notification.order_id, email)
        notification.email = email
    notification.attempts += 1
    repository.store_resend(notification)
    note(notification)
    sequence = notification.resends.count() + 1
    return Resend.objects.create(
        notification=notification, sequence=sequence, by=by, email=notification.email
    )


def _readdress_order(order_id: UUID, email: str) -> None:
    """Write to another address about an order from now on, also what was withheld from the former one."""
    if repository.readdress_order(order_id, email):
        schedule(WithheldMessagesDue(order_id=order_id), at=timezone.now())


def _try_resend(attempt: Resend) -> str:
    """Send the message; return the reason if it was not accepted, else nothing."""
    email = compose(attempt.notification, message_id=message_id_of_resend(attempt))
    try:
        (reply,) = EmailChannel().send([email])
    except Exception as error:  # noqa: BLE001 - providers' backends have exceptions of their own
        return _describe(error)
    return reply.reason


@transaction.atomic
def _finish_resend(attempt: Resend, failure: str) -> None:
    attempt.outcome = Resend.Outcome.FAILED if failure else Resend.Outcome.SENT
    attempt.error = failure
    attempt.save(update_fields=["outcome", "error"])
    row = Notification.objects.filter(pk=attempt.notification_id)
    if failure:
        row.update(last_error=failure)
    else:
        row.move(State.SENT, sent_at=timezone.now(), last_error="")


# --- Retention -------------------------------------------------------------------------------


def forget_messages() -> Pruned:
    """Delete messages ``SHOP_NOTIFICATION_RETENTION`` after they were written and last sent.

    Queued messages stay, withheld ones do not. The recipient of an order is deleted with its last message.
    """
    horizon = timezone.now() - settings.SHOP_NOTIFICATION_RETENTION
    recent_resends = Resend.objects.filter(notification=OuterRef("pk"), requested_at__gte=horizon)
    ended = Notification.objects.exclude(state__in=(State.QUEUED, State.SENDING)).exclude(
        sent_at__gte=horizon
    )
    return prune(
        ended.exclude(Exists(recent_resends)), by="id", before=uuid7_at(horizon), forget=_delete_with_resends
    )


def _delete_with_resends(messages: QuerySet[Notification]) -> None:
    order_ids = list(messages.values_list("order_id", flat=True))
    Resend.objects.filter(notification__in=messages).delete()
    messages.delete()
    remaining = Notification.objects.filter(order_id=OuterRef("pk"))
    Recipient.objects.filter(pk__in=order_ids).exclude(Exists(remaining)).delete()
