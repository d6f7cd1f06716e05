"""Simulated mailboxes: what becomes of mail that the simulated server has accepted, told by webhooks."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.mail import EmailMessage
from django.utils import timezone

from notifications.events import MailNoticeReceived
from notifications.models import Report
from notifications.references import key_of, reference_of
from notifications.reports import MailReport
from shop.simulation import webhooks
from shop.webhooks.endpoints import Notice, StoredNotice, endpoint_of

#: Name of the mailboxes among the providers.
PROVIDER = "mailboxes"
#: Local part of a recipient -> report, and why. All other mail is delivered.
FATES = {
    "returned": (Report.BOUNCED, "550 5.1.1 The mailbox was closed"),
    "complains": (Report.COMPLAINED, "marked as spam"),
}
_DELIVERED = (Report.DELIVERED, "")
#: Seconds between a mail and its notice: by then the shop has stored that the mail was accepted.
DELAY = 1.0

endpoint = webhooks.endpoint(PROVIDER, lambda notice_id: MailNoticeReceived(notice_id=notice_id))


def tell_shop(messages: Iterable[EmailMessage]) -> None:
    """Send a notice about each mail of an order, if the mailboxes are configured."""
    if endpoint_of(PROVIDER) is None:
        return
    told = dict(filter(None, map(_told, messages)))
    if told:
        webhooks.send(PROVIDER, told, after=DELAY)


def _told(message: EmailMessage) -> tuple[Notice, dict[str, Any]] | None:
    message_id = str(message.extra_headers.get("Message-ID", ""))
    reference = reference_of(message_id)
    if reference is None:
        return None
    address = message.recipients()[0]
    report, detail = FATES.get(address.rpartition("<")[2].partition("@")[0], _DELIVERED)
    said = {
        "message_id": message_id,
        "report": report.value,
        "address": address,
        "at": timezone.now().isoformat(),
        "detail": detail,
    }
    about = f"{reference.message} {reference.order_id}"
    return Notice(f"{key_of(message_id)}.{report}", report.value, about), said


def report_of(notice: StoredNotice) -> MailReport | None:
    """Return what a stored notice reports."""
    said = webhooks.said_in(notice.body)
    reference, report = reference_of(said["message_id"]), Report(said["report"])
    if reference is None:
        return None
    return MailReport(
        reference=reference,
        report=report,
        address=said["address"],
        at=datetime.fromisoformat(said["at"]),
        detail=said["detail"],
        is_final=report != Report.DELIVERED,
    )
