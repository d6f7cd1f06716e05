"""E-mails about accounts: queued as rows, sent by a thread of the web process, and again by a periodic task.

A request waits for no mail server: its time would tell whether there is an account. Links are made when an
e-mail is sent, so that none is stored.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.db import connection, transaction
from django.db.models import F, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext

from shop.accounts.links import confirmation_link, reset_link
from shop.accounts.mail_texts import TEXTS
from shop.accounts.models import AccountMail, UnconfirmedAddress
from shop.accounts.order_links import order_link

logger = logging.getLogger("shop.accounts")

Kind = AccountMail.Kind

#: The most e-mails of a kind to an address in an hour. More are left out, without a word.
AN_HOUR = 3
#: Time until the next attempt, and the most attempts.
RETRY, MAX_ATTEMPTS = timedelta(minutes=1), 60
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="account-mail")


def enqueue(kind: str, email: str, site: str, *, order_id: UUID | None = None) -> None:
    """Send an e-mail about the account with an address, if there is one, once the transaction commits.

    The link to an order is mailed whether there is an account or not.
    """
    an_hour_ago = timezone.now() - timedelta(hours=1)
    recent = AccountMail.objects.filter(email=email.lower(), kind=kind, created_at__gt=an_hour_ago)
    if recent.count() < AN_HOUR:
        AccountMail.objects.create(
            kind=kind, email=email.lower(), site=site, order_id=order_id, due_at=timezone.now()
        )
        transaction.on_commit(lambda: _thread.submit(_send_in_thread))


def send_due() -> int:
    """Send what is due, each e-mail by one process; return the number of attempts."""
    attempts = 0
    while mail := _claim():
        attempts += 1
        try:
            _send(mail)
        except (OSError, SMTPException) as error:
            logger.warning("%s could not be sent: %s", mail, type(error).__name__)
            if _is_final(error):
                AccountMail.objects.filter(pk=mail.pk).update(due_at=None)
        else:
            AccountMail.objects.filter(pk=mail.pk).update(due_at=None)
    return attempts


def _is_final(error: Exception) -> bool:
    """Tell whether the mail server refuses the address for good: replies of 5xx (RFC 5321, 4.2.1)."""
    if not isinstance(error, SMTPRecipientsRefused):
        return False
    return all(code >= 500 for code, _ in error.recipients.values())


def _send_in_thread() -> None:
    try:
        send_due()
    except Exception:
        logger.exception("E-mails about accounts wait for the periodic task")
    finally:
        connection.close()


@transaction.atomic
def _claim() -> AccountMail | None:
    """Return an e-mail that is due, and put its next attempt off, so that no other process sends it."""
    due = AccountMail.objects.select_for_update(skip_locked=True).filter(due_at__lte=timezone.now())
    mail = due.order_by("due_at").first()
    if mail:
        again = timezone.now() + RETRY if mail.attempts + 1 < MAX_ATTEMPTS else None
        AccountMail.objects.filter(pk=mail.pk).update(attempts=F("attempts") + 1, due_at=again)
    return mail


def _send(mail: AccountMail) -> None:
    if mail.kind == Kind.CONFIRM:
        for address in UnconfirmedAddress.objects.filter(
            email=mail.email, user__is_active=True, confirmed_at=None
        ):
            _write(Kind.CONFIRM, mail.email, confirmation_link(mail.site, address))
    elif mail.kind == Kind.ADDRESS_CHANGED:
        _write(Kind.ADDRESS_CHANGED, mail.email, "")
    elif mail.order_id:
        _write(Kind.ORDER_LINK, mail.email, order_link(mail.order_id))
    elif user := _owner(mail.email):
        _write_to_owner(mail, user)


def _write_to_owner(mail: AccountMail, user: User) -> None:
    """Write to the owner of an account; one with an unconfirmed address gets the link that confirms it."""
    email = user.email.lower()
    is_unconfirmed = UnconfirmedAddress.objects.filter(user=user, email=email, confirmed_at=None).exists()
    if mail.kind == Kind.RESET or is_unconfirmed:
        _write(Kind.RESET, email, reset_link(mail.site, user))
    else:
        page = "login" if mail.kind == Kind.REGISTERED_ALREADY else "reset"
        _write(mail.kind, email, mail.site + reverse(f"storefront:{page}"))


def _owner(email: str) -> User | None:
    """Return the account with an address that can log in."""
    users = User.objects.filter(Q(username=email) | Q(email__iexact=email), is_active=True).exclude(email="")
    return next((user for user in users.order_by("pk") if user.has_usable_password()), None)


def _write(kind: str, email: str, link: str) -> None:
    with translation.override(settings.SHOP_LANGUAGE):
        subject, body = map(gettext, TEXTS[kind])
        text = body.format(link=link)
        context = {
            "subject": subject,
            "paragraphs": text.strip().split("\n\n"),
            "link": link,
            "label": gettext("Open the page"),
            "language": settings.SHOP_LANGUAGE,
        }
        html = render_to_string("mails/account.html", context)
    send_mail(subject, text, None, [email], html_message=html)
