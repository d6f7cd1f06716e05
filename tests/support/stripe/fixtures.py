"""Fixtures: Stripe as the gateway, on the stand-in. A conftest imports both."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.stripe.events import WEBHOOK_SECRET
from tests.support.stripe.server import API_KEY, StripeStandIn


@pytest.fixture(scope="session")
def stand_in() -> Iterator[StripeStandIn]:
    stand_in = StripeStandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def stripe_api(stand_in, settings) -> Iterator[StripeStandIn]:
    """Make Stripe the gateway, and return its stand-in, whose account is empty."""
    settings.SHOP_PAYMENT_GATEWAY = "payments.stripe.gateway.StripeGateway"
    settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = API_KEY, stand_in.url
    settings.STRIPE_WEBHOOK_SECRETS = [WEBHOOK_SECRET]
    settings.SHOP_WEBHOOKS = {"stripe": "payments.stripe.webhooks.endpoint"}
    settings.SHOP_STRIPE_TIMEOUT = timedelta(seconds=20)
    stand_in.reset()
    yield stand_in
    stand_in.released.set()
