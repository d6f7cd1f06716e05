"""Queries of accounts, for contexts."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db.models import Q

from shop.accounts.models import UnconfirmedAddress

#: Accounts that a search by name takes into account.
_MAX_FOUND = 1_000


def unconfirmed(addresses: Iterable[str], *, lock: bool = False) -> set[str]:
    """Return those of the e-mail addresses, in lower case, that nothing may be mailed to yet.

    With ``lock`` they stay unconfirmed until the transaction ends.
    """
    asked = {address.lower() for address in addresses}
    rows = UnconfirmedAddress.objects.filter(email__in=asked, is_in_use=True)
    found = rows.order_by("pk").select_for_update() if lock else rows
    return set(found.values_list("email", flat=True))


def pending_address(user: User) -> UnconfirmedAddress | None:
    """Return the address that a user has to confirm, the latest one; None if there is none."""
    return UnconfirmedAddress.objects.filter(user=user, confirmed_at=None).order_by("-pk").first()


def address_to_confirm(user: User) -> str:
    """Return the address that a user has to confirm, the latest one; empty if there is none."""
    pending = pending_address(user)
    return pending.email if pending else ""


def came_back(email: str) -> bool:
    """Tell whether mail to an address came back, and nobody has confirmed the address since."""
    rows = UnconfirmedAddress.objects.filter(email=email.lower(), is_in_use=True)
    return rows.exclude(reason="").exists()


def accounts_named(term: str) -> list[int]:
    """Return the ids of the accounts of whose names each word of the term begins one, a thousand at most."""
    accounts = User.objects.all()
    for word in term.split():
        accounts = accounts.filter(Q(first_name__istartswith=word) | Q(last_name__istartswith=word))
    return list(accounts.values_list("pk", flat=True)[:_MAX_FOUND])


def login_name(name: str) -> str:
    """Return the user name of the account that somebody who logs in means.

    An e-mail address counts in any spelling, as user name or as address, if it names one account.
    """
    if "@" not in name:
        return name
    meant = User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name))
    found = list(meant.values_list("username", flat=True)[:3])
    return found[0] if len(found) == 1 and name not in found else name
