"""Periodic tasks tolerate several schedulers: they may run repeatedly and concurrently."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.db.models import Model
from django_celery_results.models import TaskResult

from console.audit import audit
from integrations.models import Delivery, Endpoint
from notifications.models import Notification, Recipient
from orders.models import Order
from shop.accounts.models import AccountMail, ApiKey, FailedLogin, RequestCount
from shop.celery import app
from shop.ids import uuid7_at
from shop.messaging import pruning
from shop.messaging.models import DeadLetter, DeadLetterAction, InboxEntry
from shop.rest.models import IdempotencyRecord
from shop.webhooks.models import ProviderNotice

#: Names of the pruning tasks; the order doctor has its own test.
PRUNING = [name for name in settings.CELERY_BEAT_SCHEDULE if ".prune_" in name]
#: Beyond every retention.
LONG_AGO = datetime.now(UTC) - timedelta(days=500)


def test_all_that_prunes_has_an_hour_of_its_own():
    app.loader.import_default_modules()
    times = {(min(entry["schedule"].hour), min(entry["schedule"].minute)) for entry in schedule()}
    assert len(times) == len(schedule()) >= 6
    assert {entry["task"] for entry in schedule()} <= set(app.tasks)
    assert app.conf.result_expires is None, "beat adds Celery's own clean-up, which deletes in one statement"


def schedule() -> list[dict]:
    return [settings.CELERY_BEAT_SCHEDULE[name] for name in PRUNING]


@pytest.mark.parametrize("task", PRUNING)
def test_several_schedulers_do_no_harm(task, shop, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 3)
    app.loader.import_default_modules()
    young = _make_rows(shop, age=timedelta(hours=1), count=2)
    old = _make_rows(shop, age=timedelta(days=500), count=20)
    results = _run_at_once(app.tasks[task], times=3)

    assert sum(result["pruned"] for result in results) >= 20
    assert app.tasks[task]() == {"pruned": 0}
    assert all(_is_there(row) for row in young)
    assert not all(_is_there(row) for row in old)


def _run_at_once(task, *, times: int) -> list[dict]:
    start = threading.Barrier(times)

    def run() -> dict:
        try:
            connection.cursor().execute("SET lock_timeout = '5s'")
            start.wait(timeout=30)
            return task()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        return [run.result(timeout=60) for run in [pool.submit(run) for _ in range(times)]]


def _make_rows(shop, *, age: timedelta, count: int) -> list[Model]:
    """Create rows of a given age in every table that is pruned."""
    return [row for n in range(count) for row in _rows(f"{age} {n}", datetime.now(UTC) - age, shop)]


def _rows(name: str, at: datetime, shop) -> list[Model]:
    order = Order.objects.create(
        customer=shop.alice, total=1, currency="EUR", placed_at=at, idempotency_key=name
    )
    Recipient.objects.create(order_id=order.pk)
    message = Notification.objects.create(
        id=_id_made_at(at, order.serial),
        order_id=order.pk,
        kind="shipped",
        state="sent",
        message_id=name,
        sent_at=at,
    )
    letter = DeadLetter.objects.create(
        status="replayed", cause="failed", body="{}", error_type="E", error="no", died_at=at
    )
    result = TaskResult.objects.create(task_id=name)
    TaskResult.objects.filter(pk=result.pk).update(date_done=at)
    return [
        order,
        message,
        letter,
        result,
        DeadLetterAction.objects.create(dead_letter=letter, action="replay", by="olga", at=at),
        InboxEntry.objects.create(event_id=order.pk, consumer="tests.when_tried", consumed_at=at),
        IdempotencyRecord.objects.create(digest=name, user_id=1, answer=b"", created_at=at),
        ApiKey.objects.create(user=shop.alice, name=name, prefix=name[:9] + name[-2:], expires_at=at),
        RequestCount.objects.create(key=order.pk, number=1, expires_at=at + timedelta(hours=2)),
        FailedLogin.objects.create(
            key=order.pk, failures=1, blocked_until=at, expires_at=at + timedelta(hours=2)
        ),
        _account_mail(at),
        ProviderNotice.objects.create(provider="stripe", event_id=name, body=b"", received_at=at),
        Session.objects.create(session_key=name, expire_date=at + timedelta(hours=2)),
        _delivery(order.pk, at),
    ]


def _delivery(event_id: UUID, at: datetime) -> Delivery:
    endpoint, _ = Endpoint.objects.get_or_create(
        url="https://example.com/hooks", defaults={"event_types": ["*"]}
    )
    return Delivery.objects.create(
        endpoint=endpoint,
        event_id=event_id,
        type="orders.OrderCancelled.v1",
        aggregate_id=event_id,
        sequence=1,
        occurred_at=at,
        expires_at=at,
        finished_at=at,
        state="delivered",
    )


def _account_mail(at: datetime) -> AccountMail:
    mail = AccountMail.objects.create(kind="reset", email="alice@example.com", site="")
    AccountMail.objects.filter(pk=mail.pk).update(created_at=at)
    return mail


def _id_made_at(moment: datetime, number: int) -> UUID:
    return UUID(int=uuid7_at(moment).int + number)


def _is_there(row: Model) -> bool:
    found = type(row).objects.filter(pk=row.pk).first()
    return found is not None and getattr(found, "idempotency_key", "") == getattr(row, "idempotency_key", "")


def test_the_audit_misses_no_message_that_was_pruned(shop):
    order, recent = shop.delivered(), shop.delivered()
    Order.objects.filter(pk=order.pk).update(placed_at=LONG_AGO)
    messages = Notification.objects.filter(order_id=order.pk)
    for number, pk in enumerate(messages.values_list("pk", flat=True)):
        messages.filter(pk=pk).update(id=_id_made_at(LONG_AGO, number), sent_at=LONG_AGO)
    assert app.tasks["notifications.prune_messages"]() == {"pruned": 4}

    assert not Recipient.objects.filter(pk=order.pk).exists()
    assert Recipient.objects.filter(pk=recent.pk).exists()
    assert audit().holds
    Notification.objects.filter(order_id=recent.pk, kind="shipped").delete()
    assert [str(violation) for violation in audit().violations] == [
        f"message  {recent.number}: the message shipped is missing"
    ]
