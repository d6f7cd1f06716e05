"""Refunds refused by the gateway for a while: the report knows the orders concerned."""

from random import Random
from types import SimpleNamespace

import pytest
from django.db import connection

from dev.faults import providers, report
from payments import repository
from payments.gateway import gateway
from payments.models import GatewayFault, Payment, Refund
from shop.ids import uuid7
from shop.messaging.contracts import Money

pytestmark = pytest.mark.django_db


@pytest.fixture
def refusing(monkeypatch):
    """The active fault, injected by this connection."""

    def execute(_: str, statement: str, *parameters: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)

    monkeypatch.setattr("dev.load.providers._execute", execute)
    fault = providers.refunds_refused(SimpleNamespace(database_url=""), Random(1))
    next(fault)
    return fault


def refund(order_id):
    """Refund a new charge and record the gateway's answer."""
    money = Money(amount="9.90", currency="EUR")
    key = f"capture:{order_id}"
    charge = gateway().authorise(key=key, amount=money, token="pm_card_visa", order_id=order_id)
    gateway().capture(key=f"{key}:capture", charge=charge.reference, amount=money)
    payment = Payment.objects.create(
        order_id=order_id, idempotency_key=key, amount_captured=money.amount, **dict(money)
    )
    refund = repository.add_refund(Refund.of(payment, reason="customer"))
    answer = gateway().refund(key=refund.idempotency_key, charge=charge.reference, amount=money)
    refund.become(answer.status.value, reference=answer.reference, failure_code=answer.code)
    repository.store_refund(refund)


def test_refunds_are_refused_until_the_gateway_is_mended(refusing):
    refused, given = uuid7(), uuid7()
    refund(refused)
    next(refusing, None)
    refund(given)

    assert not GatewayFault.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute(report._REFUND_REFUSED)
        assert cursor.fetchall() == [(str(refused),)]
