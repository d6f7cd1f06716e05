"""Stripe as a choice of the installation."""

import os
import subprocess
import sys

import pytest
from django.core.checks import run_checks

from dev.paths import ROOT

_SHOW = (
    "import sys, django; django.setup();"
    "from django.conf import settings;"
    "from payments.gateway import _configured;"  # what every call of the port goes through
    "_configured();"
    "print(settings.SHOP_PAYMENT_GATEWAY, settings.SHOP_REFUND_CHECK_INTERVAL, 'stripe' in sys.modules)"
)


def shown(**environment):
    unset = {"STRIPE_API_KEY", "SHOP_PAYMENT_GATEWAY", "SHOP_REFUND_CHECK_INTERVAL_SECONDS"}
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env |= {"DJANGO_SETTINGS_MODULE": "shop.settings", "DJANGO_DEBUG": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", _SHOW], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_without_a_key_the_simulator_charges_and_the_sdk_is_not_imported():
    assert shown() == ["payments.simulator.gateway.SimulatedGateway", "0:00:02", "False"]


def test_with_a_key_stripe_charges_and_pending_refunds_are_asked_for_hourly():
    assert shown(STRIPE_API_KEY="sk_test_1") == ["payments.stripe.gateway.StripeGateway", "1:00:00", "True"]


@pytest.fixture
def found(settings):
    settings.SHOP_PAYMENT_GATEWAY = "payments.stripe.gateway.StripeGateway"
    settings.STRIPE_API_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_1", ["whsec_1"]
    settings.SHOP_PAYMENT_RETURN_URL = "https://shop.example.com/orders/{order_id}/"
    return lambda **how: {message.id: message.hint for message in run_checks(tags=["payments"], **how)}


def test_a_proper_installation_has_no_finding(found):
    assert found() == {}


def test_a_missing_sdk_is_an_error_that_names_the_requirements(found, monkeypatch):
    monkeypatch.setattr("payments.checks.find_spec", lambda name: None)
    assert "requirements-stripe.txt" in found()["payments.E001"]


def test_a_missing_key_is_an_error(found, settings):
    settings.STRIPE_API_KEY = ""
    assert "STRIPE_API_KEY" in found()["payments.E002"]


def test_webhooks_that_cannot_be_verified_are_warned_of(found, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert "STRIPE_WEBHOOK_SECRET" in found()["payments.W002"]


def test_a_log_of_requests_and_answers_is_warned_of(found, monkeypatch):
    monkeypatch.setenv("STRIPE_LOG", "debug")
    assert found() == {"payments.W001": "Unset STRIPE_LOG."}


def test_the_simulator_needs_none_of_it(found, settings, monkeypatch):
    settings.SHOP_PAYMENT_GATEWAY = "payments.simulator.gateway.SimulatedGateway"
    settings.STRIPE_API_KEY = ""
    monkeypatch.setattr("payments.checks.find_spec", lambda name: None)
    monkeypatch.setenv("STRIPE_LOG", "debug")
    assert found() == {}


def test_customers_who_would_come_back_to_a_developers_machine_are_found(found, settings):
    settings.SHOP_PAYMENT_RETURN_URL = "http://localhost:8000/orders/{order_id}/"
    assert "SHOP_URL" in found()["payments.W003"]
    assert "payments.E004" not in found()
    assert "SHOP_URL" in found(include_deployment_checks=True)["payments.E004"]


def test_the_simulated_gateway_may_lead_back_to_a_developers_machine(found, settings):
    settings.SHOP_PAYMENT_GATEWAY = "payments.simulator.gateway.SimulatedGateway"
    settings.SHOP_PAYMENT_RETURN_URL = "http://localhost:8000/orders/{order_id}/"
    assert found(include_deployment_checks=True) == {}
