"""Confirmation of e-mail addresses: nothing else is mailed to one before its owner has confirmed it."""

from django.contrib.auth.models import User
from django.db import transaction

from shop.accounts import mails
from shop.accounts.links import LinkExpired
from shop.accounts.models import AccountMail, UnconfirmedAddress
from shop.accounts.security_log import record
from shop.accounts.signals import address_confirmed


@transaction.atomic
def require_confirmation(*, user: User, email: str, site: str) -> None:
    """Mail a link to an address of a user; one that the account does not have yet becomes its own by it."""
    email = email.lower()
    UnconfirmedAddress.objects.update_or_create(
        user=user, email=email, defaults={"is_in_use": user.email.lower() == email}
    )
    mails.enqueue(AccountMail.Kind.CONFIRM, email, site)


@transaction.atomic
def confirm(address: UnconfirmedAddress, *, site: str) -> None:
    """Make an address the account's own, and let go what was withheld.

    Raises:
        LinkExpired: another account has this address meanwhile.
    """
    user = User.objects.select_for_update().get(pk=address.user_id)
    waiting = UnconfirmedAddress.objects.filter(user=user)
    withheld = list(waiting.filter(is_in_use=True).values_list("email", flat=True))
    if user.email.lower() != address.email:
        _change_address(user, address.email, site, was_confirmed=user.email.lower() not in withheld)
    waiting.delete()
    record("address_confirmed", user=user)
    address_confirmed.send(UnconfirmedAddress, user=user, addresses=withheld, email=address.email)


def confirm_by_reset(user: User, *, site: str) -> None:
    """Confirm the address of a user who has set a new password by a link that was mailed there."""
    if found := UnconfirmedAddress.objects.filter(user=user, email=user.email.lower()).first():
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
