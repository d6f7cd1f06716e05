"""Confirmations by the customer, as of 3-D Secure: where the provider sends the customer back to."""

from uuid import UUID

from django.conf import settings

#: Failure code of a payment that the customer, or the bank, refused to confirm, as in Stripe's API.
REFUSED = "payment_intent_authentication_failure"
#: Failure code of a payment that a person cancelled at the provider while it awaited the customer.
CANCELED = "canceled"


def return_url(order_id: UUID) -> str:
    """Return the page of the shop that the customer comes back to."""
    url: str = settings.SHOP_PAYMENT_RETURN_URL.replace("{order_id}", str(order_id))
    return url
