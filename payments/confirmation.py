"""Pages of the provider on which customers confirm, as with 3-D Secure, or pay, and the way back."""

from uuid import UUID

from django.conf import settings

#: Means of payment: the customer gives them on the provider's page, so that no card number reaches the shop.
HOSTED_PAGE = "hosted_page"
#: Failure code of a payment whose page had its time, as Stripe's sessions have a day.
PAGE_EXPIRED = "page_expired"
#: Failure code of a payment that the customer, or the bank, refused to confirm, as in Stripe's API.
REFUSED = "payment_intent_authentication_failure"
#: Failure code of a payment that a person cancelled at the provider while it awaited the customer.
CANCELED = "canceled"


def has_hosted_page() -> bool:
    """Tell whether customers pay on the provider's page. The simulated gateway has test cards instead."""
    return not settings.SHOP_PAYMENT_GATEWAY.startswith("payments.simulator.")


def return_url(order_id: UUID) -> str:
    """Return the page of the shop that the customer comes back to."""
    url: str = settings.SHOP_PAYMENT_RETURN_URL.replace("{order_id}", str(order_id))
    return url
