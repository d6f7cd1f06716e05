"""A restored database is closed to all processes until it is opened."""

import pytest
from celery.signals import worker_init
from django.db import connection
from django.db.backends.signals import connection_created
from django.test import Client

from shop import serving
from shop.messaging import database_errors
from shop.messaging.consuming import fence
from shop.messaging.errors import NotOpened
from shop.messaging.models import Restore
from shop.messaging.relay import relay
from shop.messaging.restores import opening
from shop.security import readiness
from shop.security.readiness import Readiness

pytestmark = pytest.mark.django_db(transaction=True)


def opened(**changes: object) -> Restore:
    """Note that this database, or one that differs, was opened."""
    identity, target = opening.present_identity()
    return Restore.objects.create(**{"identity": identity, "target": target, "by": "a test", **changes})


def is_open() -> bool:
    with connection.cursor() as cursor:
        return opening.is_open(cursor)


def test_a_new_installation_is_open():
    Restore.objects.all().delete()
    opening.open_new_installation()
    [row] = Restore.objects.all()
    assert not row.is_restore
    assert is_open()


def test_another_cluster_or_another_log_is_a_restore():
    identity, _ = opening.present_identity()
    cluster, log = identity.split("/")
    for other in (f"{int(cluster) + 1}/{log}", f"{cluster}/{int(log) + 1}"):
        opened(identity=other)
        assert not is_open()
    opening.open_new_installation()
    assert not is_open(), "migrate must not open it"
    opened()
    assert is_open()


def test_a_recovery_to_a_point_is_a_restore_until_it_is_opened(monkeypatch):
    opened()
    recovered = opening._IS_OPEN.replace("current_setting('recovery_target_time')", "'2026-11-29 13:20+00'")
    monkeypatch.setattr(opening, "_IS_OPEN", recovered)
    assert not is_open()
    opened(target="2026-11-29 13:20+00")
    assert is_open()
    monkeypatch.undo()
    assert is_open(), "the target may be taken out of the configuration"


def test_a_relay_waits_on_a_restored_database(monkeypatch, caplog):
    opened(identity="another/1")
    one = relay.Relay(app=None)
    monkeypatch.setattr(relay, "event_bus", lambda app: pytest.fail("it must not publish"))
    monkeypatch.setattr(one._stopping, "wait", lambda seconds: one.stop())
    one.run()
    assert "manage.py after_restore" in caplog.text


def test_workers_and_web_servers_exit_on_a_restored_database(monkeypatch):
    monkeypatch.setenv("SHOP_BIND", "127.0.0.1:0")  # which no server takes
    opened(identity="another/1")
    with pytest.raises(NotOpened, match="after_restore"):
        opening.check_at_start()
    with pytest.raises(SystemExit, match="after_restore"):
        serving.serve()


@pytest.fixture
def guarded():
    """Guard this process's connections, as those of web servers and workers are."""
    opening.guard_connections()
    connection_created.connect(fence.read_again)
    yield
    connection_created.disconnect(fence.read_again)
    connection_created.disconnect(opening._refuse_closed)


@pytest.mark.usefixtures("guarded")
def test_a_process_that_outlives_a_restore_waits_until_the_database_is_opened():
    assert is_open()
    assert fence.local_fence.read() == ""
    opened(identity="another/1")
    connection.close()  # as a restore does
    with pytest.raises(NotOpened, match="after_restore") as refused:
        is_open()
    assert database_errors.is_outage(refused.value)
    assert connection.connection is None

    connection_created.disconnect(opening._refuse_closed)  # the command that opens it is not refused
    opened(is_restore=True)
    connection.close()
    opening.guard_connections()
    assert is_open()
    assert fence.local_fence.read() > "", "what is older than the opening is looked up"


def test_workers_guard_their_connections():
    worker_init.send(sender=None)
    assert connection_created.disconnect(opening._refuse_closed), "it was connected"


def test_a_restored_database_is_not_ready(client: Client, monkeypatch):
    monkeypatch.setattr(readiness, "readiness", Readiness())
    opened(identity="another/1")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["database"]) == (503, "restored")


@pytest.mark.usefixtures("guarded")
def test_a_process_that_outlived_a_restore_says_so(client: Client, monkeypatch):
    monkeypatch.setattr(readiness, "readiness", Readiness())
    opened(identity="another/1")
    connection.close()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready", "database": "restored"})
