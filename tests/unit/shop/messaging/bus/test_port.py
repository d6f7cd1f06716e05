"""Choice of the event bus, and its system checks."""

import pytest
from celery import Celery
from django.core.checks import run_checks

from shop.messaging.bus.kombu_bus import KombuBus
from shop.messaging.bus.port import BUSES, BusKind, event_bus
from shop.messaging.bus.transport_settings import scheme_of

SERVICE_BUS = "Endpoint=sb://shop.servicebus.windows.net/;SharedAccessKeyName=shop;SharedAccessKey=eA=="


def test_the_event_bus_is_celerys_broker_unless_another_is_named(settings):
    assert settings.SHOP_EVENT_BUS == settings.CELERY_BROKER_URL
    assert isinstance(event_bus(Celery(set_as_current=False)), KombuBus)
    assert run_checks(tags=["messaging"]) == []


@pytest.mark.parametrize("url", ["amqp://another.host", "gopher://host", "localhost:9092", ""])
def test_a_bus_that_is_not_known_is_an_error_that_says_what_to_set(settings, url):
    settings.SHOP_EVENT_BUS = url
    [error] = run_checks(tags=["messaging"])
    assert error.id == "messaging.E006"
    assert "CELERY_BROKER_URL" in error.hint


def test_a_missing_client_is_an_error_that_says_what_to_install(settings, monkeypatch):
    monkeypatch.setitem(BUSES, "pigeon", BusKind("pigeon.Bus", "pigeon.client", "requirements-pigeon.txt"))
    settings.SHOP_EVENT_BUS = "pigeon://loft"
    [error] = run_checks(tags=["messaging"])
    assert error.id == "messaging.E007"
    assert "requirements-pigeon.txt" in error.hint


def test_a_connection_string_has_a_scheme():
    assert scheme_of(SERVICE_BUS) == "sb"
    assert scheme_of("amqp://one;amqp://two") == "amqp"
