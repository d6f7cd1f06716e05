"""What a message says: its subject, and its text and HTML from the templates of its kind."""

from collections.abc import Mapping
from email.utils import parseaddr
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from jinja2 import Environment, PackageLoader, select_autoescape

from notifications.channels import Email
from notifications.models import Kind, Notification, Resend

#: What a customer is told besides name and order number: the values that the templates of a kind show.
Context = dict[str, Any]

SUBJECTS: Mapping[Kind, str] = {
    Kind.ORDER_RECEIVED: "We have received your order {number}",
    Kind.PAYMENT_RECEIVED: "Payment received for your order {number}",
    Kind.PAYMENT_FAILED: "The payment for your order {number} did not work",
    Kind.REFUNDED: "Your refund for order {number}",
    Kind.SHIPPED: "Your order {number} is on its way",
    Kind.DELIVERED: "Your order {number} has been delivered",
    Kind.CANCELLATION_REJECTED: "Your order {number} could no longer be cancelled",
    Kind.CANCELLED: "Your order {number} has been cancelled",
}


class _Environment(Environment):
    """Takes ``line.name`` for ``line["name"]`` at once: letters speak of plain values, without attributes."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)


#: Jinja takes a fifth of the time of Django's templates, which was half of a message's.
#: What it has compiled stays: a template that changes is read at the next start.
_TEMPLATES = _Environment(
    loader=PackageLoader("notifications"),
    autoescape=select_autoescape(["html"]),
    keep_trailing_newline=True,
    auto_reload=False,
)


def subject(kind: Kind, number: str) -> str:
    """The subject line of a message."""
    return SUBJECTS[kind].format(number=number)


def message_id(order_id: UUID, kind: Kind) -> str:
    """The Message-ID of the one message of this kind about the order, the same at every attempt."""
    return f"<{kind}.{order_id}@{_domain_of(settings.DEFAULT_FROM_EMAIL)}>"


@cache
def _domain_of(sender: str) -> str:
    return parseaddr(sender)[1].rpartition("@")[2] or "localhost"


def message_id_of_resend(resend: Resend) -> str:
    """The Message-ID of a resend: a new one, else the mailbox hides it as one that it knows."""
    name, _, domain = resend.notification.message_id.rpartition("@")
    return f"{name}.{resend.sequence}@{domain}"


def write(notification: Notification, *, message_id: str = "") -> Email:
    """Write the letter for a notification, under its own Message-ID unless another is given."""
    says = _says(notification)
    return Email(
        to_name=notification.name,
        to_email=notification.email,
        subject=notification.subject,
        text=_render(f"{notification.kind}.txt", says),
        html=_render(f"{notification.kind}.html", says),
        message_id=message_id or notification.message_id,
    )


def html_of(notification: Notification) -> str:
    """The HTML of a notification's letter, to look at."""
    return _render(f"{notification.kind}.html", _says(notification))


def _render(name: str, says: Context) -> str:
    """Render a template without Jinja's globals, which no letter uses and render() copies each time."""
    template = _TEMPLATES.get_template(name)
    return "".join(template.root_render_func(template.new_context(says, shared=True)))


def _says(notification: Notification) -> Context:
    return {
        **notification.context,
        "number": notification.number,
        "name": notification.name,
        "subject": notification.subject,
    }
