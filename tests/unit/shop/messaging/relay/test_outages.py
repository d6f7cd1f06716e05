"""Outages: a silent database is noticed, a broker that returns is found soon."""

import re

import psycopg
import pytest
from celery import Celery
from celery.signals import task_prerun, worker_process_init
from django.db import DatabaseError, connection
from kombu import Connection
from kombu.exceptions import OperationalError

from dev.faults.network import Network
from shop.messaging.models import InboxEntry
from shop.messaging.relay import relay
from shop.messaging.tasks import prune_inbox
from shop.messaging.worker import connections  # noqa: F401  # connect to the signals under test
from shop.messaging.worker.celery_consumer import MAX_RECONNECT_INTERVAL, ShopConsumer


@pytest.mark.django_db
@pytest.mark.timeout(60)
def test_a_database_that_accepts_connections_and_does_not_answer_is_given_up(monkeypatch):
    parameters = connection.get_connection_params()
    with Network() as network:
        link = network.link(port=23800, server_port=lambda: int(parameters["port"]))
        monkeypatch.setattr(connection, "get_connection_params", lambda: {**parameters, "port": link.port})
        relay.connect().close()

        link.freeze()
        with pytest.raises(psycopg.OperationalError):
            relay.connect()


@pytest.mark.django_db
def test_a_session_whose_other_end_has_vanished_ends_in_seconds_and_with_it_its_locks():
    server_parameters = "SELECT current_setting('tcp_keepalives_idle'), current_setting('tcp_user_timeout')"
    with relay.connect() as session:
        client = session.info.get_parameters()
        assert (client["keepalives_idle"], client["tcp_user_timeout"]) == ("10", "20000")
        assert session.execute(server_parameters).fetchone() == ("10", "20000")


@pytest.mark.django_db(transaction=True)
def test_a_task_after_an_outage_of_the_database_finds_a_working_connection():
    lose_connection()
    task_prerun.send(sender=prune_inbox, task=prune_inbox)
    assert InboxEntry.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_process_that_is_forked_after_an_outage_of_the_database_finds_a_working_connection():
    lose_connection()
    worker_process_init.send(sender=None)
    assert InboxEntry.objects.count() == 0


def lose_connection() -> None:
    """Terminate this process's database session, and run into the error."""
    connection.ensure_connection()
    with relay.connect() as another:
        another.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    with pytest.raises(DatabaseError):
        InboxEntry.objects.count()


def test_a_worker_is_back_soon_however_long_the_broker_was_away(monkeypatch, caplog):
    monkeypatch.setattr("kombu.utils.functional.sleep", lambda seconds: None)
    app = Celery(set_as_current=False)
    app.conf.update(broker_connection_max_retries=10, broker_connection_retry_on_startup=True)
    worker = ShopConsumer.__new__(ShopConsumer)
    worker.app, worker.first_connection_attempt, worker.broker_connection_retry_attempt = app, True, 0
    with pytest.raises(OperationalError, match="refused"), Connection("amqp://127.0.0.1:1") as connection:
        worker.ensure_connected(connection)

    waits = [float(wait) for wait in re.findall(r"Trying again in ([\d.]+) seconds", caplog.text)]
    assert len(waits) == 10
    assert max(waits) <= MAX_RECONNECT_INTERVAL
