"""Links to the page of an order in letters: signed, good for a time, and for one order alone.

Nothing is stored: a link is made when a letter is written, and any secret key that is still named reads it.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.urls import reverse

_SALT = "shop.accounts.order_link"


def order_link(order_id: UUID) -> str:
    """Return a new link to the page of an order."""
    return f"{settings.SHOP_URL}{reverse('storefront:link', args=[token_for(order_id)])}"


def token_for(order_id: UUID) -> str:
    """Return a new token, which lets whoever has it see the order."""
    return _signer().sign(urlsafe_b64encode(order_id.bytes).rstrip(b"=").decode())


def order_of(token: str, *, max_age: timedelta | None = None) -> UUID | None:
    """Return the order of a token; None if it is forged, or older than that.

    Without ``max_age`` an old token will do: it tells which order somebody wants a fresh link to.
    """
    try:
        value = _signer().unsign(token, max_age=max_age)
    except BadSignature:
        return None
    return UUID(bytes=urlsafe_b64decode(f"{value}=="))


def shows(token: str, order_id: UUID) -> bool:
    """Tell whether a token lets one see an order."""
    return order_of(token, max_age=settings.SHOP_ORDER_LINK_LIFETIME) == order_id


def permits_changes(token: str, order_id: UUID) -> bool:
    """Tell whether a token was mailed so lately that one may cancel the order, pay it, or send goods back."""
    return order_of(token, max_age=settings.SHOP_ORDER_LINK_CHANGES) == order_id


def _signer() -> TimestampSigner:
    return TimestampSigner(salt=_SALT)
