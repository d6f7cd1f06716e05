"""Reports of the provider: what became of messages that it had accepted, and of the addresses."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone
from django.utils.module_loading import import_string

from notifications import repository
from notifications.models import Notification, Report
from notifications.references import Reference, reference_of
from shop.accounts import confirmation
from shop.accounts.models import UnconfirmedAddress
from shop.messaging.errors import TooEarly
from shop.webhooks import notices
from shop.webhooks.endpoints import StoredNotice

#: Time within which a message that a report is about may not be stored yet: replies are stored in chunks.
UNSTORED = timedelta(minutes=2)

#: Functions that read stored notices: of providers of e-mail, and of the simulated mailboxes.
_PROVIDERS = "notifications.anymail.webhooks.report_of"
_READERS = {"mailboxes": "notifications.mailboxes.report_of"}

_REASONS = {
    Report.BOUNCED: UnconfirmedAddress.Reason.BOUNCED,
    Report.COMPLAINED: UnconfirmedAddress.Reason.COMPLAINED,
}


@dataclass(frozen=True, slots=True)
class MailReport:
    """A provider's report of one copy of a message."""

    reference: Reference
    report: Report
    #: The recipient, as the provider writes it.
    address: str
    at: datetime
    detail: str
    #: Nothing more is to be sent to the address.
    is_final: bool


def record_reports(*, notice_ids: Collection[UUID]) -> None:
    """Record what notices say of messages and addresses, with the open transaction. Idempotent.

    Notices may come twice and in any order: the gravest report of the latest copy stays.

    Raises:
        TooEarly: the message is not stored yet.
    """
    for notice_id in sorted(notice_ids):
        if notice := notices.stored(notice_id):
            _record(notice)
            notices.mark_as_worked(notice_id)


def _record(notice: StoredNotice) -> None:
    report: MailReport | None = import_string(_READERS.get(notice.provider, _PROVIDERS))(notice)
    if report is None:
        return
    found = _find(report.reference, repository.messages_with_copies(report.reference.order_id))
    if found:
        _record_of(found[0], report, is_latest=found[1])
    elif timezone.now() - notice.received_at < UNSTORED:
        raise TooEarly(f"no {report.reference.message} about order {report.reference.order_id} is stored yet")


def _record_of(message: Notification, report: MailReport, *, is_latest: bool) -> None:
    """Record a report, unless the customer was forgotten, and the message has no address any more."""
    if not message.email:
        return
    if is_latest:
        repository.store_report(message, report.report, report.at, report.detail)
    if report.is_final:
        email = message.email if is_latest else report.address
        confirmation.withdraw(email=email, reason=_REASONS[report.report], at=report.at)


def _find(
    reference: Reference, messages: Sequence[tuple[Notification, int]]
) -> tuple[Notification, bool] | None:
    """Return the message that a reference names, and whether it names the latest copy."""
    for message, copies in messages:
        known = reference_of(message.message_id)
        first = known.message if known else ""
        if reference.message == first or reference.message.removeprefix(f"{first}.").isdecimal():
            return message, reference.message == (f"{first}.{copies}" if copies else first)
    return None
