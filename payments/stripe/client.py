"""Connections to Stripe's API, by the settings."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import stripe
from django.conf import settings

from shop.messaging.providers import Calls

#: Metadata of whatever the shop makes at Stripe: the port's key.
KEY = "shop_key"
#: Calls about Stripe's page with failpoints of their own: cancel() of the port finds a page and closes it.
_PAGES = Calls("stripe_page", "create", "retrieve", "expire")
#: Entries of a page of Stripe's lists, the most that it allows.
PAGE = 100


def payment_intents() -> Any:
    """Return the SDK's service of PaymentIntents."""
    return _v1().payment_intents


def checkout_sessions() -> Any:
    """Return the SDK's service of Checkout Sessions."""
    return _PAGES.watch(_v1().checkout.sessions)


def refunds() -> Any:
    """Return the SDK's service of refunds."""
    return _v1().refunds


def charges() -> Any:
    """Return the SDK's service of charges."""
    return _v1().charges


def disputes() -> Any:
    """Return the SDK's service of disputes."""
    return _v1().disputes


def events() -> Any:
    """Return the SDK's service of events."""
    return _v1().events


def metadata_of(made: Any) -> dict[str, str]:
    """Return the metadata of what stands at Stripe."""
    return made.metadata.to_dict() if made.metadata else {}


def connections() -> ThreadPoolExecutor:
    """Return the threads of concurrent calls. Each keeps a connection of its own."""
    return _threads(settings.SHOP_STRIPE_CONNECTIONS)


def _v1() -> Any:
    return _client(
        settings.STRIPE_API_KEY, settings.STRIPE_API_BASE, settings.SHOP_STRIPE_TIMEOUT.total_seconds()
    ).v1


@cache
def _client(api_key: str, base: str, timeout: float) -> stripe.StripeClient:
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": base},
        http_client=stripe.RequestsClient(timeout=timeout),
        # A call that failed is repeated by the kernel, which knows what is left to do.
        max_network_retries=0,
    )


@cache
def _threads(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, thread_name_prefix="stripe")
