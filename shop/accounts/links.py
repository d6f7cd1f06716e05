"""Links in e-mails about accounts: signed, and good for a time."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext

from shop.accounts.models import UnconfirmedAddress

#: Time for which a link to confirm an address works. That of a new password is Django's, and as long.
LIFETIME = timedelta(days=3)
_SALT = "shop.accounts.confirmation"


class LinkExpired(Exception):
    """This link does not work any more: log in and ask for a new one."""

    def __init__(self) -> None:
        super().__init__(gettext(str(self.__doc__)))


def confirmation_link(site: str, address: UnconfirmedAddress) -> str:
    """Return the link that confirms an address."""
    token = signing.dumps([address.user_id, address.email], salt=_SALT)
    return site + reverse("storefront:confirm", args=[token])


def reset_link(site: str, user: User) -> str:
    """Return the link to a new password. It works once, and not after a login or a change of the account."""
    uid, token = urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)
    return site + reverse("storefront:reset-confirm", args=[uid, token])


def address_of(token: str) -> UnconfirmedAddress:
    """Return the address that a confirmation link is about, which is still to be confirmed.

    Raises:
        LinkExpired: the link is too old, forged, or was used.
    """
    try:
        user_id, email = signing.loads(token, salt=_SALT, max_age=LIFETIME)
    except signing.BadSignature:
        raise LinkExpired from None
    waiting = UnconfirmedAddress.objects.filter(user_id=user_id, email=email, confirmed_at=None)
    found = waiting.select_related("user").first()
    if found is None or found.user is None or not found.user.is_active:
        raise LinkExpired
    return found
