"""Confirmation of e-mail addresses: nothing else is mailed to one before its owner has confirmed it."""

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from shop.accounts import guests, mails
from shop.accounts.links import LinkExpired
from shop.accounts.models import AccountMail, UnconfirmedAddress
from shop.accounts.security_log import record
from shop.accounts.signals import address_confirmed


@transaction.atomic
def require_confirmation(*, user: User, email: str, site: str) -> None:
    """Mail a link to an address of a user; one that the account does not have yet becomes its own by it."""
    email = email.lower()
    UnconfirmedAddress.objects.update_or_create(
        user=user, email=email, defaults={"is_in_use": user.email.lower() == email, "confirmed_at": None}
    )
    mails.enqueue(AccountMail.Kind.CONFIRM, email, site)


@transaction.atomic
def confirm(address: UnconfirmedAddress, *, site: str) -> None:
    """Make an address the account's own, and let go what was withheld.

    Raises:
        LinkExpired: another account has this address meanwhile.
    """
    if address.user_id is None:  # nobody's: no link leads here
        raise LinkExpired
    user = User.objects.select_for_update().get(pk=address.user_id)
    waiting = UnconfirmedAddress.objects.filter(user=user)
    withheld = list(waiting.filter(is_in_use=True).values_list("email", flat=True))
    if user.email.lower() != address.email:
        _change_address(user, address.email, site, was_confirmed=user.email.lower() not in withheld)
    _mark_as_confirmed([address.email])
    waiting.filter(confirmed_at=None).delete()
    record("address_confirmed", user=user)
    guests.claim(user)
    address_confirmed.send(UnconfirmedAddress, user=user, addresses=withheld, email=address.email)


@transaction.atomic
def withdraw(*, email: str, reason: str, at: datetime) -> None:
    """Have nothing mailed to an address that mail came back from, before it is confirmed again.

    Its owner does that, or an operator. Mail that came back before the last confirmation changes nothing.
    """
    email = email.lower()
    known = UnconfirmedAddress.objects.filter(email=email)
    if known.filter(confirmed_at__gte=at).exists():
        return
    if known.filter(is_in_use=True, reason=UnconfirmedAddress.Reason.COMPLAINED).exists():
        return  # the graver reason
    for user in User.objects.filter(email__iexact=email) or [None]:
        UnconfirmedAddress.objects.update_or_create(
            user=user, email=email, defaults={"is_in_use": True, "reason": reason, "confirmed_at": None}
        )


@transaction.atomic
def let_mail_pass(*, addresses: Collection[str]) -> None:
    """Let mail pass again to addresses that it came back from, for an operator, and what was withheld."""
    for email in _mark_as_confirmed(addresses):
        address_confirmed.send(UnconfirmedAddress, user=None, addresses=[email], email=email)


def forget(*, addresses: Collection[str]) -> None:
    """Delete addresses that no account has, of customers who are forgotten."""
    emails = [address.lower() for address in addresses]
    UnconfirmedAddress.objects.filter(user=None, email__in=emails).delete()


def _mark_as_confirmed(addresses: Collection[str]) -> list[str]:
    """Mark addresses that mail came back from; return those that were not confirmed."""
    closed = UnconfirmedAddress.objects.filter(email__in=addresses, confirmed_at=None).exclude(reason="")
    emails = sorted(set(closed.values_list("email", flat=True)))
    closed.update(is_in_use=False, confirmed_at=timezone.now())
    return emails


def confirm_by_reset(user: User, *, site: str) -> None:
    """Confirm the address of a user who has set a new password by a link that was mailed there."""
    waiting = UnconfirmedAddress.objects.filter(user=user, email=user.email.lower(), confirmed_at=None)
    if found := waiting.first():
        confirm(found, site=site)


def is_taken(email: str, *, by_other_than: User | None = None) -> bool:
    """Tell whether an account has an address, as its name or to write to."""
    others = User.objects.exclude(pk=by_other_than.pk) if by_other_than else User.objects.all()
    return others.filter(username=email.lower()).exists() or others.filter(email__iexact=email).exists()


def _change_address(user: User, email: str, site: str, *, was_confirmed: bool) -> None:
    if is_taken(email, by_other_than=user):
        raise LinkExpired
    if was_confirmed and user.email:
        mails.enqueue(AccountMail.Kind.ADDRESS_CHANGED, user.email, site)
    if user.username == user.email:
        user.username = email
    user.email = email
    user.save(update_fields=["email", "username"])
