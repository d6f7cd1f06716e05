"""Registration of customers, and the end of an account. Who has one is told to its owner alone."""

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from shop.accounts import mails
from shop.accounts.confirmation import is_taken, require_confirmation
from shop.accounts.models import AccountMail
from shop.accounts.security_log import record


def register(user: User, *, site: str) -> None:
    """Store a new account, whose password is hashed already, and mail a link that confirms its address.

    If there is one with this address, its owner gets an e-mail instead, and nobody else is told.
    """
    try:
        with transaction.atomic():
            if not is_taken(user.email):
                user.save()
                require_confirmation(user=user, email=user.email, site=site)
                return
    except IntegrityError:  # by a concurrent registration
        pass
    tell_owner(user.email, site=site)


def tell_owner(email: str, *, site: str) -> None:
    """Tell the owner of an account that somebody wanted one with its address."""
    mails.enqueue(AccountMail.Kind.REGISTERED_ALREADY, email, site)


@transaction.atomic
def close_account(*, user: User) -> None:
    """Close an account: its keys and sessions end, and nobody logs in any more. Orders go on."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    record("account_closed", user=user)
