"""Liveness and readiness of web processes."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from shop.messaging.models import OutboxEntry
from shop.messaging.relay import relay
from shop.messaging.relay.shards import Shards
from shop.security import readiness
from shop.security.readiness import Readiness


@pytest.fixture(autouse=True)
def fresh(monkeypatch) -> Readiness:
    """Readiness that has not been examined."""
    fresh = Readiness()
    monkeypatch.setattr(readiness, "readiness", fresh)
    return fresh


@pytest.fixture
def waiting(db) -> OutboxEntry:
    """A message that has waited for a relay for five minutes."""
    entry = OutboxEntry.objects.create(shard=0, message_id=uuid4(), type="tests.Thing.v1", body="{}")
    OutboxEntry.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    return entry


def test_a_process_is_alive_whatever_its_database_does(client: Client):
    answer = client.get("/livez")  # pytest-django refuses any query here
    assert (answer.status_code, answer.content) == (200, b"ok")


@pytest.mark.django_db
def test_a_process_is_ready_with_all_migrations(client: Client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ready"
    assert answer.json()["migrations"] == "applied"


@pytest.mark.django_db
def test_a_release_is_not_ready_before_its_migrations(client: Client, monkeypatch):
    monkeypatch.setattr(readiness, "KEPT_FOR", 0)
    newest = MigrationRecorder(connection).migration_qs.filter(app="orders").latest("id")
    applied = (newest.app, newest.name)
    newest.delete()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "database": "ok", "migrations": "missing"}

    MigrationRecorder(connection).record_applied(*applied)
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_asking_without_end_puts_no_load_on_the_database(
    client, fresh, monkeypatch, django_assert_num_queries
):
    monkeypatch.setattr(readiness, "KEPT_FOR", 3600)
    client.get("/readyz")
    with django_assert_num_queries(0):
        assert {client.get("/readyz").status_code for _ in range(50)} == {200}


@pytest.mark.django_db
def test_later_answers_take_three_statements(fresh, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(readiness, "KEPT_FOR", 0)
    fresh.answer()
    with django_assert_num_queries(3):
        fresh.answer()


@pytest.mark.django_db
def test_readiness_tells_the_age_of_what_waits_for_a_relay(client: Client, waiting):
    with relay.connect() as session:
        Shards(session)
        found = client.get("/readyz").json()["relay"]
    assert found["running"] >= 1
    assert 300 <= found["oldest_seconds"] < 400


@pytest.mark.django_db
def test_a_late_relay_takes_no_web_process_out_unless_a_limit_is_set(client, waiting, settings, monkeypatch):
    monkeypatch.setattr(readiness, "KEPT_FOR", 0)
    assert client.get("/readyz").status_code == 200

    settings.SHOP_READY_RELAY_LIMIT = timedelta(minutes=4)
    assert client.get("/readyz").status_code == 503
    settings.SHOP_READY_RELAY_LIMIT = timedelta(minutes=6)
    assert client.get("/readyz").status_code == 200
