"""Items of all contexts that need a person's attention, each by the permission of its page."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import number_format
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from inventory.queries import scarce_products
from notifications.queries import messages_waiting
from orders.queries import overdue_by_step, waiting_for_attention
from orders.returns.queries import returns_waiting, undecided_returns
from payments.queries import declined_since, disputes_waiting, refunds_waiting
from shop.messaging.operations import queries as messages
from shop.messaging.operations.paused import paused_consumers
from shop.waiting import Waiting

#: Age from which messages in the outbox, or due reminders, are late.
LATE = timedelta(minutes=1)
#: Steps that orders are late at.
_STEPS = {
    "payment": _("payment"),
    "stock": _("stock"),
    "backorder": _("backorder"),
    "carrier": _("carrier"),
    "cancellation": _("cancellation"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """Something that needs attention."""

    title: StrOrPromise
    count: int
    #: Page that shows it.
    url: str
    #: Next action, as a link's text.
    action: str
    since: datetime | None = None
    detail: str = ""
    #: Only to be known: nothing has failed.
    is_notice: bool = False
    #: Operators are alerted about it.
    is_alerted: bool = True
    #: Name that tells it from another one of the same title; by default its detail.
    name: str = ""

    @property
    def key(self) -> str:
        """Identity, which its number, its age and the language do not change."""
        with translation.override("en"):
            return f"{self.title}: {self.name or self.detail}"[:250]

    @property
    def text(self) -> str:
        """It in a line."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.title}: {number_format(self.count, force_grouping=True)}{detail}"


def attention(user: Any) -> list[Item]:
    """Return what needs attention and the user may see, what has failed first; empty if nothing does."""
    items = [item for permission, find in _SOURCES if user.has_perm(permission) for item in find()]
    return sorted((item for item in items if item.count), key=lambda item: item.is_notice)


def everything() -> Iterator[Item]:
    """Yield all that may need attention, also with a count of zero."""
    for _permission, find in _SOURCES:
        yield from find()


def _orders() -> Iterator[Item]:
    for reason, (label, found) in waiting_for_attention().items():
        url = _list("orders_order", status__exact="needs_attention", attention_reason__exact=reason)
        yield _item(
            _("Orders need attention"), found, url, gettext("Look at them"), detail=label, name=reason
        )


def _late_orders() -> Iterator[Item]:
    for step, count in overdue_by_step().items():
        yield Item(
            format_lazy(_("Orders late: {step}"), step=_STEPS[step]),
            count,
            reverse("doctor"),
            gettext("Ask the order doctor"),
        )


def _dead_letters() -> Iterator[Item]:
    for cause, found in messages.dead_letters_by_cause().items():
        url = _list("messaging_deadletter", status__exact="open", cause__exact=cause)
        yield _item(
            _("Dead letters"),
            found,
            url,
            gettext("Replay or discard"),
            detail=gettext(str(cause.label)),
            name=cause.value,
        )


def _paused_consumers() -> Iterator[Item]:
    for paused in paused_consumers():
        detail = gettext("{consumer}: {text}. Events held: {held}, none is lost.").format(
            consumer=paused.consumer, text=paused.text, held=number_format(paused.held, force_grouping=True)
        )
        url = reverse("consumer", args=[paused.consumer])
        action = gettext("Resume") if paused.by else gettext("See the next probe")
        yield Item(_("Paused consumer"), 1, url, action, paused.since, detail, name=paused.consumer)


def _outbox() -> Iterator[Item]:
    found = messages.late_in_outbox(LATE)
    yield _item(
        _("Messages late in the outbox"),
        found,
        _list("messaging_outboxentry"),
        gettext("Is a relay running?"),
    )


def _reminders() -> Iterator[Item]:
    found = messages.late_scheduled(LATE)
    url = _list("messaging_scheduledmessage")
    yield _item(_("Reminders and retries late"), found, url, gettext("Is a relay running?"))


def _refunds() -> Iterator[Item]:
    url = _list("payments_refund", state__exact="failed")
    yield _item(_("Refunds failed"), refunds_waiting(), url, gettext("Retry, or give back otherwise"))


def _disputes() -> Iterator[Item]:
    url = _list("payments_dispute", status__exact="needs_response")
    yield _item(_("Disputes to answer"), disputes_waiting(), url, gettext("Send evidence"))


def _declined() -> Iterator[Item]:
    day = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    url = _list("payments_payment", state__exact="requires_payment_method")
    yield Item(
        _("Payments declined today"),
        declined_since(day),
        url,
        gettext("See why"),
        is_notice=True,
        is_alerted=False,
    )


def _returns() -> Iterator[Item]:
    url = _list("orders_return", state__exact="requested")
    yield _item(
        _("Returns to decide"),
        returns_waiting(),
        url,
        gettext("Approve or refuse"),
        is_notice=True,
        is_alerted=False,
    )
    detail = gettext("for more than {days} days").format(days=settings.SHOP_RETURN_DECISION.days)
    yield _item(
        _("Returns undecided"),
        undecided_returns(),
        url,
        gettext("Approve or refuse"),
        detail=detail,
        name="undecided",
    )


def _messages() -> Iterator[Item]:
    url = _list("notifications_notification", state__exact="failed")
    yield _item(_("Messages failed"), messages_waiting(), url, gettext("Send again"))


def _stock() -> Iterator[Item]:
    url = _list("inventory_product", stock="scarce", active__exact="1")
    yield Item(_("Products low in stock"), scarce_products(), url, gettext("Book a receipt"), is_notice=True)


#: Permission to see, and the source.
_SOURCES: tuple[tuple[str, Callable[[], Iterator[Item]]], ...] = (
    ("orders.view_order", _orders),
    ("console.view_checkup", _late_orders),
    ("messaging.view_deadletter", _dead_letters),
    ("messaging.view_circuit", _paused_consumers),
    ("messaging.view_outboxentry", _outbox),
    ("messaging.view_scheduledmessage", _reminders),
    ("payments.view_refund", _refunds),
    ("payments.view_dispute", _disputes),
    ("notifications.view_notification", _messages),
    ("orders.view_return", _returns),
    ("payments.view_payment", _declined),
    ("inventory.view_stock", _stock),
)


def _item(title: StrOrPromise, found: Waiting, url: str, action: str, **more: Any) -> Item:
    return Item(title, found.number, url, action, found.since, **more)


def _list(model: str, **filters: str) -> str:
    query = f"?{urlencode(filters)}" if filters else ""
    return reverse(f"admin:{model}_changelist") + query
