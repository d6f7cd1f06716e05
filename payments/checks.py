"""System checks of the payment gateway and of the policy of captures."""

import os
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

#: Address of the shop on a developer's machine, which is the default of SHOP_URL.
_DEVELOPERS = "http://localhost:8000"
_WAY_BACK = "Set SHOP_URL to the address of the shop, as https://shop.example.com, for web and workers."
#: Policies of SHOP_CAPTURE.
POLICIES = ("shipped", "placed")


@register("payments")
def capture_policy_is_known(**kwargs: Any) -> list[CheckMessage]:
    """Check that the shop takes money at a moment that it knows."""
    if settings.SHOP_CAPTURE in POLICIES:
        return []
    return [
        Error(
            f"SHOP_CAPTURE is {settings.SHOP_CAPTURE!r}.",
            hint=f"Set it to one of {', '.join(POLICIES)}.",
            id="payments.E003",
        )
    ]


@register("payments")
def stripe_can_be_called(**kwargs: Any) -> list[CheckMessage]:
    """Check that Stripe's SDK is installed and has a key, if Stripe is the gateway."""
    if not _is_gateway():
        return []
    found: list[CheckMessage] = []
    if find_spec("stripe") is None:
        hint = "Install it: pip install --require-hashes -r requirements-stripe.txt"
        found.append(
            Error("Stripe is the payment gateway, and its SDK is missing.", hint=hint, id="payments.E001")
        )
    if not settings.STRIPE_API_KEY:
        hint = "Set STRIPE_API_KEY to a restricted or secret key of Stripe's dashboard."
        found.append(Error("Stripe is the payment gateway, and has no key.", hint=hint, id="payments.E002"))
    return found


@register("payments")
def stripe_logs_no_bodies(**kwargs: Any) -> list[CheckMessage]:
    """Check that Stripe's SDK does not write requests and answers to stderr."""
    if not _is_gateway() or os.environ.get("STRIPE_LOG") not in {"debug", "info"}:
        return []
    return [
        Warning(
            "STRIPE_LOG has Stripe's SDK write requests and answers to stderr, with tokens of cards.",
            hint="Unset STRIPE_LOG.",
            id="payments.W001",
        )
    ]


@register("payments")
def stripe_can_send_notices(**kwargs: Any) -> list[CheckMessage]:
    """Check that webhooks of Stripe can be verified; without them it is asked every five minutes."""
    if not _is_gateway() or settings.STRIPE_WEBHOOK_SECRETS:
        return []
    return [
        Warning(
            "Stripe cannot report payments, refunds and disputes: its webhooks cannot be verified.",
            hint="Add the endpoint that the README describes, and set STRIPE_WEBHOOK_SECRET.",
            id="payments.W002",
        )
    ]


@register("payments")
def customers_come_back_from_stripe(**kwargs: Any) -> list[CheckMessage]:
    """Check that customers do not come back from Stripe's page to a developer's machine."""
    if not _leads_to_a_developer():
        return []
    text = f"Customers who have paid on Stripe's page are sent to {_DEVELOPERS}."
    return [Warning(text, hint=_WAY_BACK, id="payments.W003")]


@register("payments", deploy=True)
def customers_come_back_to_the_deployed_shop(**kwargs: Any) -> list[CheckMessage]:
    """Check that the deployed shop is where customers come back to."""
    if not _leads_to_a_developer():
        return []
    text = f"Stripe is the payment gateway, and the shop's address is still {_DEVELOPERS}."
    return [Error(text, hint=_WAY_BACK, id="payments.E004")]


def _leads_to_a_developer() -> bool:
    return _is_gateway() and settings.SHOP_PAYMENT_RETURN_URL.startswith(f"{_DEVELOPERS}/")


def _is_gateway() -> bool:
    return str(settings.SHOP_PAYMENT_GATEWAY).startswith("payments.stripe.")
