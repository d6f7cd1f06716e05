"""Queries of accounts, for contexts."""

from collections.abc import Iterable

from django.contrib.auth.models import User

from shop.accounts.models import UnconfirmedAddress


def unconfirmed(addresses: Iterable[str], *, lock: bool = False) -> set[str]:
    """Return those of the e-mail addresses, in lower case, that nothing may be mailed to yet.

    With ``lock`` they stay unconfirmed until the transaction ends.
    """
    asked = {address.lower() for address in addresses}
    rows = UnconfirmedAddress.objects.filter(email__in=asked, is_in_use=True)
    found = rows.order_by("pk").select_for_update() if lock else rows
    return set(found.values_list("email", flat=True))


def address_to_confirm(user: User) -> str:
    """Return the address that a user has to confirm, the latest one; empty if there is none."""
    rows = UnconfirmedAddress.objects.filter(user=user).order_by("-pk")
    return rows.values_list("email", flat=True).first() or ""
