"""Simulated mailboxes: what becomes of mail that the simulated server has accepted, told by notices.

Like the simulated bank it stores its notices itself, as a webhook brings them, a moment after the mail.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from notifications.events import MailNoticeReceived
from notifications.models import Report
from notifications.references import key_of, reference_of
from notifications.reports import MailReport
from shop.webhooks import notices
from shop.webhooks.endpoints import Endpoint, NotConfigured, Notice, StoredNotice, endpoint_of

#: Name of the mailboxes among the providers.
PROVIDER = "mailboxes"
#: Local part of a recipient -> report, and why. All other mail is delivered.
FATES = {
    "returned": (Report.BOUNCED, "550 5.1.1 The mailbox was closed"),
    "complains": (Report.COMPLAINED, "marked as spam"),
}
_DELIVERED = (Report.DELIVERED, "")
#: Time between a mail and its notice: by then the shop has stored that the mail was accepted.
DELAY = timedelta(seconds=1)


def _refuse(body: bytes, headers: Mapping[str, str]) -> Notice | None:
    """Refuse what comes over HTTP: the mailboxes store their notices themselves."""
    raise NotConfigured


endpoint = Endpoint(_refuse, lambda notice_id: MailNoticeReceived(notice_id=notice_id))


def tell_shop(messages: Iterable[EmailMessage]) -> None:
    """Store a notice about each mail of an order, if the mailboxes are configured."""
    if endpoint_of(PROVIDER) is None:
        return
    with transaction.atomic():
        for message in messages:
            _tell(message)


def _tell(message: EmailMessage) -> None:
    message_id = str(message.extra_headers.get("Message-ID", ""))
    reference = reference_of(message_id)
    if reference is None:
        return
    address = message.recipients()[0]
    report, detail = FATES.get(address.rpartition("<")[2].partition("@")[0], _DELIVERED)
    now = timezone.now()
    said = {"message_id": message_id, "report": report.value, "address": address, "at": now.isoformat()}
    notice = Notice(
        f"{key_of(message_id)}.{report}", report.value, f"{reference.message} {reference.order_id}"
    )
    body = json.dumps({**said, "detail": detail}).encode()
    notices.receive(PROVIDER, notice, body, endpoint=endpoint, at=now + DELAY)


def report_of(notice: StoredNotice) -> MailReport | None:
    """Return what a stored notice reports."""
    said = json.loads(notice.body)
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
