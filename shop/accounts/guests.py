"""Guests: customers who order with an e-mail address alone, under accounts that nobody can log in to.

Whoever proves that the address is theirs claims such an account: its orders are among their own from then on.
The orders stay where they are, and so do the facts about them and the key that seals these.
"""

from uuid import uuid4

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from shop.accounts.models import Guest, UnconfirmedAddress
from shop.accounts.security_log import record


def guest_for(email: str) -> User:
    """Return the account of the guest with an address; make one if there is none that is not claimed."""
    email = email.lower()
    if found := _unclaimed(email):
        return found
    try:
        with transaction.atomic():
            user = User(username=f"guest-{uuid4()}", is_active=False)
            user.set_unusable_password()
            user.save()
            Guest.objects.create(user=user, email=email)
            return user
    except IntegrityError:
        # The same guest came in parallel.
        if found := _unclaimed(email):
            return found
        raise


def guests_with(email: str) -> list[int]:
    """Return the accounts of guests with an address, claimed ones as well."""
    return list(Guest.objects.filter(email=email.lower()).order_by("-pk").values_list("pk", flat=True))


def claimed_by(user_id: int | None) -> QuerySet[Guest, int]:
    """Return the accounts of guests that a user has claimed; none for a visitor without an account."""
    claimed = Guest.objects.none() if user_id is None else Guest.objects.filter(claimed_by=user_id)
    return claimed.order_by("pk").values_list("pk", flat=True)


def accounts_of(user_id: int) -> list[int]:
    """Return the accounts whose orders are a user's own: the user's, and those of claimed guests."""
    return [user_id, *claimed_by(user_id)]


def is_own(user_id: int | None, account_id: int) -> bool:
    """Tell whether the orders of an account are a user's own; without a statement if it is the user's."""
    return account_id == user_id or claimed_by(user_id).filter(pk=account_id).exists()


def owned_by(user_id: int | None) -> Q:
    """Return the condition that one order is a user's own; a list of orders wants :func:`accounts_of`."""
    return Q(customer_id=user_id) | Q(customer_id__in=claimed_by(user_id).order_by())


def owner() -> Coalesce:
    """Return the account that an order belongs to: that of its customer, or the one that has claimed it."""
    claimant = Guest.objects.filter(pk=OuterRef("customer_id")).values("claimed_by")
    return Coalesce(Subquery(claimant), "customer_id", output_field=IntegerField())


def claim(user: User, *, account_id: int | None = None) -> bool:
    """Let a user have what guests with the same address have ordered; tell whether there is such a guest.

    With ``account_id`` that guest alone. An address that the user has not confirmed claims nothing.
    """
    email = user.email.lower()
    waiting = UnconfirmedAddress.objects.filter(user=user, email=email, confirmed_at=None)
    if not email or not user.is_active or waiting.exists():
        return False
    guests = Guest.objects.filter(email=email, claimed_by=None)
    mine = guests if account_id is None else guests.filter(pk=account_id)
    claimed = mine.update(claimed_by=user, claimed_at=timezone.now())
    if claimed:
        record("guest_claimed", user=user)
    return bool(claimed)


def _unclaimed(email: str) -> User | None:
    return User.objects.filter(guest__email=email, guest__claimed_by=None).first()
