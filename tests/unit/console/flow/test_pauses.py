"""Pauses by hand: a consumer's messages wait until a hand, or the end of the pause, gives it back."""

import json
import threading
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from payments.models import Payment
from shop.messaging.consuming import circuit_breaker, consumers, pauses, runner
from shop.messaging.errors import CannotPause
from shop.messaging.models import Circuit, OutboxEntry, ScheduledMessage
from shop.messaging.relay import relay
from tests.support.inprocess import deliver_all
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

CHARGES = "payments.when_order_created_charge_customer"


@pytest.fixture
def session():
    with relay.connect() as session:
        yield session


def is_waiting_for_a_circuit() -> bool:
    """Ask outside of any transaction, which would see the sessions as they were at its first look."""
    waits = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND query LIKE '%_circuit%'"
    )
    with connection.cursor() as cursor:
        cursor.execute(waits)
        return cursor.rowcount > 0


def pause(until: datetime | None = None) -> Circuit:
    circuit = pauses.pause(CHARGES, by="olga", reason="the bank asked for it", until=until)
    circuit_breaker.local_state.refresh()  # as every process does within a second
    return circuit


def held() -> int:
    return ScheduledMessage.objects.filter(kind="held", consumer=CHARGES).count()


def deliver_probes(session) -> int:
    """Do one turn of the relay, and deliver what it sends."""
    pauses.end_due_pauses(session)
    sent = circuit_breaker.send_probes(session)
    consumer = next(one for one in consumers() if one.name == CHARGES)
    for entry in list(OutboxEntry.objects.filter(headers__has_key="x-probe")):
        entry.delete()
        runner.run(consumer, [json.loads(entry.body)], [entry.headers])
    return sent


def is_due() -> bool:
    return ScheduledMessage.objects.filter(kind="held", due_at__gt=datetime.now(UTC)).count() == 0


def test_the_messages_of_a_paused_consumer_wait_and_all_go_on_after_it(shop, session):
    pause()
    orders = [shop.place() for _ in range(3)]
    deliver_all()
    assert (held(), Payment.objects.count()) == (3, 0)
    pauses.resume(CHARGES)
    assert deliver_probes(session) == 1
    assert not Circuit.objects.exists()
    assert (held(), is_due()) == (2, True)
    deliver_all()
    assert Payment.objects.filter(order_id__in=[order.pk for order in orders]).count() == 3


def test_no_probe_is_sent_while_a_hand_pauses(shop, session):
    pause()
    shop.place()
    deliver_all()
    Circuit.objects.update(probe_at=datetime.now(UTC) - timedelta(hours=1))
    assert deliver_probes(session) == 0
    assert Circuit.objects.get().paused_by == "olga"


def test_a_pause_without_messages_stays(session):
    pause()
    Circuit.objects.update(probe_at=datetime.now(UTC) - timedelta(hours=1))
    deliver_probes(session)
    assert Circuit.objects.filter(paused_by="olga").exists()


def test_a_probe_that_was_on_its_way_is_held_and_ends_no_pause(shop, session):
    Circuit.objects.create(consumer=CHARGES, probe_at=datetime.now(UTC), last_error="away")
    circuit_breaker.local_state.refresh()
    shop.place()
    deliver_all()
    circuit_breaker.send_probes(session)
    pause()
    deliver_probes(session)
    assert held() == 1
    circuit_breaker.close(CHARGES)  # of a probe that a worker consumed before it heard of the pause
    assert Circuit.objects.get().paused_by == "olga"
    assert not is_due()


def test_a_pause_ends_by_itself_at_its_time(shop, session):
    pause(datetime.now(UTC) + timedelta(hours=1))
    shop.place()
    deliver_all()
    assert deliver_probes(session) == 0
    Circuit.objects.update(paused_until=datetime.now(UTC))
    assert deliver_probes(session) == 1
    assert not Circuit.objects.exists()
    assert Payment.objects.exists()


def test_after_a_pause_a_consumer_that_still_fails_is_the_breakers_again(shop, session):
    Circuit.objects.create(consumer=CHARGES, probe_at=datetime.now(UTC), last_error="away", probes=3)
    pause()
    pauses.resume(CHARGES)
    circuit = Circuit.objects.get()
    assert (circuit.paused_by, circuit.paused_at, circuit.reason) == ("", None, "")
    assert (circuit.last_error, circuit.probes) == ("away", 3)


def test_an_event_held_while_an_idle_circuit_closes_is_released(shop, session):
    Circuit.objects.create(consumer=CHARGES, probe_at=datetime.now(UTC) - timedelta(seconds=1))
    with relay.connect() as worker:
        worker.execute("BEGIN")
        worker.execute("SELECT FROM messaging_circuit FOR SHARE")
        closing = threading.Thread(target=circuit_breaker.send_probes, args=[session])
        closing.start()
        eventually(lambda: is_waiting_for_a_circuit() or not closing.is_alive())
        worker.execute(
            "INSERT INTO messaging_scheduledmessage (kind, app, consumer, type, message_id, aggregate_id,"
            " body, due_at, attempts, parkings, last_error) VALUES ('held', 'payments', %s, 'x',"
            " gen_random_uuid(), gen_random_uuid(), '', now() + interval '1 hour', 0, 0, '')",
            [CHARGES],
        )
        worker.execute("COMMIT")
        closing.join()
    assert not Circuit.objects.exists()
    assert (held(), is_due()) == (1, True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"consumer": "payments.nobody"}, "no consumer"),
        ({"reason": " "}, "reason"),
        ({"until": datetime(2020, 1, 1, tzinfo=UTC)}, "has passed"),
    ],
)
def test_a_pause_needs_a_consumer_a_reason_and_an_end_to_come(changed, said):
    with pytest.raises(CannotPause, match=said):
        pauses.pause(**{"consumer": CHARGES, "by": "olga", "reason": "a test", **changed})
    assert not Circuit.objects.exists()


def test_a_later_pause_changes_reason_and_end_and_not_the_beginning():
    began = pause().paused_at
    until = datetime.now(UTC) + timedelta(hours=1)
    pauses.pause(CHARGES, by="dora", reason="still", until=until)
    circuit = Circuit.objects.get()
    assert (circuit.paused_at, circuit.paused_by, circuit.reason) == (began, "dora", "still")
    assert circuit.paused_until == until


def test_the_command_pauses_lists_and_resumes():
    call_command("consumers", "pause", CHARGES, reason="a test", by="olga")
    out = StringIO()
    call_command("consumers", "list", stdout=out)
    (line,) = [line for line in out.getvalue().splitlines() if line.startswith(CHARGES)]
    assert "paused by hand since" in line
    assert "by olga: a test, 0 held" in line
    call_command("consumers", "resume", CHARGES)
    assert Circuit.objects.get().paused_by == ""
    with pytest.raises(CommandError, match="not paused by hand"):
        call_command("consumers", "resume", CHARGES)
