"""Circuit breaker: pauses consumers that fail at every event, probes them, and resumes them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client

from shop.messaging.consuming import circuit_breaker, envelope, runner
from shop.messaging.contracts import Event
from shop.messaging.errors import TooEarly
from shop.messaging.models import Circuit, DeadLetter, InboxEntry, OutboxEntry, ScheduledMessage
from shop.messaging.relay import due, relay
from tests.contracts.probe.events import ProbeSent
from tests.unit.shop.messaging.support import a_consumer, published, run

pytestmark = pytest.mark.django_db(transaction=True)


class Provider(SimpleNamespace):
    """A provider, and a consumer that depends on it."""

    def __init__(self) -> None:
        super().__init__(is_down=True, poison=set(), calls=0)
        self.consumer = a_consumer(self.handle)

    def handle(self, event: ProbeSent) -> None:
        self.calls += 1
        if self.is_down or event.meta.id in self.poison:
            raise ConnectionError("the provider is down")


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
def session() -> Iterator[object]:
    with relay.connect() as session:
        yield session


def waiting(kind: str) -> int:
    return ScheduledMessage.objects.filter(kind=kind).count()


def events(count: int) -> list[Event]:
    """Publish events and remove them from the outbox, as the relay does."""
    made = published(count)
    OutboxEntry.objects.all().delete()
    return made


def pause(provider: Provider) -> None:
    """Open the circuit."""
    run(provider.consumer, events(circuit_breaker.THRESHOLD))


def deliver_outbox(provider: Provider) -> list[dict[str, int]]:
    """Deliver the messages in the outbox; return their headers."""
    entries = list(OutboxEntry.objects.order_by("id"))
    OutboxEntry.objects.all().delete()
    for entry in entries:
        runner.run(provider.consumer, [json.loads(entry.body)], [entry.headers])
    return [entry.headers for entry in entries]


def probe(provider: Provider, session: object) -> list[dict[str, int]]:
    """Send a probe now, and deliver it."""
    Circuit.objects.update(probe_at=datetime.now(UTC))
    circuit_breaker.send_probes(session)
    return deliver_outbox(provider)


def test_a_consumer_that_fails_at_everything_is_paused(provider: Provider):
    pause(provider)
    circuit = Circuit.objects.get()
    assert circuit.consumer == provider.consumer.name
    assert circuit.last_error == "ConnectionError: the provider is down"


def test_a_paused_consumer_holds_what_comes_and_spends_no_attempt(provider: Provider):
    pause(provider)
    calls = provider.calls
    run(provider.consumer, events(3), {envelope.ATTEMPTS: 2})
    run(provider.consumer, events(1))
    assert provider.calls == calls
    attempts = ScheduledMessage.objects.filter(kind="held").order_by("id").values_list("attempts", flat=True)
    assert list(attempts) == [2, 2, 2, 0]
    assert not InboxEntry.objects.exists()


def test_the_rest_of_the_batch_that_opens_the_circuit_is_held(provider: Provider):
    run(provider.consumer, events(circuit_breaker.THRESHOLD + 4))
    assert (waiting("retry"), waiting("held")) == (circuit_breaker.THRESHOLD, 4)


def test_one_event_that_fails_again_and_again_pauses_nobody(provider: Provider):
    [event] = events(1)
    for attempt in range(circuit_breaker.THRESHOLD * 2):
        run(provider.consumer, [event], {envelope.ATTEMPTS: attempt})
    assert not Circuit.objects.exists()


def test_poison_among_others_pauses_nobody(provider: Provider):
    provider.is_down = False
    for _ in range(circuit_breaker.THRESHOLD * 2):
        bad, good = events(2)
        provider.poison.add(bad.meta.id)
        run(provider.consumer, [bad, good])
    assert waiting("retry") == circuit_breaker.THRESHOLD * 2
    assert not Circuit.objects.exists()


def test_values_that_the_database_refuses_pause_nobody_else(provider: Provider):
    refused: set[object] = set()

    def write(event: ProbeSent) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::numeric(12, 2)", [10**10 if event.meta.id in refused else 1])

    provider.consumer = a_consumer(write)
    wide = events(circuit_breaker.THRESHOLD * 2)
    refused.update(event.meta.id for event in wide)
    others = events(3)
    run(provider.consumer, [*wide, *others])
    assert not Circuit.objects.exists()
    assert waiting("retry") == len(wide)
    assert InboxEntry.objects.count() == len(others)


def test_a_probe_with_such_a_value_does_not_keep_the_consumer_paused(provider: Provider, session):
    def refuse(event: ProbeSent) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 10000000000::numeric(12, 2)")

    pause(provider)
    run(provider.consumer, events(1))
    provider.handle = refuse
    provider.consumer = a_consumer(refuse)
    probe(provider, session)
    assert not Circuit.objects.exists()
    assert waiting("held") == 0


def test_a_probe_that_fails_is_held_again_and_the_next_waits_longer(provider: Provider, session):
    pause(provider)
    run(provider.consumer, events(2))
    waits = []
    for _ in range(8):
        [headers] = probe(provider, session)
        assert headers[envelope.PROBE]
        waits.append(Circuit.objects.get().probe_at - datetime.now(UTC))
    assert waits[0] < waits[3] < waits[7] <= circuit_breaker.LONGEST_PAUSE
    assert Circuit.objects.get().probes == 8
    assert waiting("held") == 2
    assert set(ScheduledMessage.objects.filter(kind="held").values_list("attempts", flat=True)) == {0}
    assert not DeadLetter.objects.exists()


def test_probes_take_turns_so_that_poison_does_not_keep_the_circuit_open(provider: Provider, session):
    pause(provider)
    bad, good = events(2)
    run(provider.consumer, [bad, good])
    provider.is_down, provider.poison = False, {bad.meta.id}
    probe(provider, session)
    assert Circuit.objects.exists()
    probe(provider, session)
    assert not Circuit.objects.exists()


def test_a_probe_that_succeeds_lets_all_go_on(provider: Provider, session):
    pause(provider)
    run(provider.consumer, events(3))
    provider.is_down = False
    probe(provider, session)
    assert not Circuit.objects.exists()
    assert due.promote_due(session) >= 2
    deliver_outbox(provider)
    assert InboxEntry.objects.count() >= 3
    assert waiting("held") == 0


def test_only_one_event_is_tried_at_a_time(provider: Provider, session):
    pause(provider)
    ScheduledMessage.objects.all().delete()  # those that opened the circuit are retried on their own
    run(provider.consumer, events(5))
    Circuit.objects.update(probe_at=datetime.now(UTC))
    assert circuit_breaker.send_probes(session) == 1
    assert circuit_breaker.send_probes(session) == 0
    assert due.promote_due(session) == 0


def test_a_circuit_that_holds_nothing_closes(provider: Provider, session):
    pause(provider)
    Circuit.objects.update(probe_at=datetime.now(UTC) + timedelta(hours=1))
    assert circuit_breaker.send_probes(session) == 0
    assert Circuit.objects.exists(), "its pause is not over"
    Circuit.objects.update(probe_at=datetime.now(UTC))
    circuit_breaker.send_probes(session)
    assert not Circuit.objects.exists()


def test_a_process_that_has_not_heard_that_the_circuit_closed_holds_nothing(provider: Provider):
    pause(provider)
    Circuit.objects.all().delete()  # by another process; the cache of this one is stale
    provider.is_down = False
    run(provider.consumer, events(2))
    assert InboxEntry.objects.count() == 2
    assert waiting("held") == 0


def test_a_process_that_starts_knows_that_the_consumer_is_paused(provider: Provider):
    pause(provider)
    circuit_breaker.local_state.reset()
    calls = provider.calls
    run(provider.consumer, events(1))
    assert provider.calls == calls


def test_an_event_that_comes_too_early_pauses_nobody():
    def handler(event: ProbeSent) -> None:
        raise TooEarly("its predecessor has not come")

    run(a_consumer(handler), events(circuit_breaker.THRESHOLD * 2))
    assert not Circuit.objects.exists()


@pytest.fixture
def olga(client: Client) -> User:
    olga = User.objects.create_user("olga", is_staff=True)
    olga.user_permissions.add(Permission.objects.get(codename="view_circuit"))
    client.force_login(olga)
    return olga


def test_operators_see_who_is_paused_on_the_first_page(provider: Provider, client: Client, olga: User):
    pause(provider)
    run(provider.consumer, events(3))
    page = client.get("/admin/").content.decode()
    assert "tests.when_probe_sent_try" in page
    assert "ConnectionError: the provider is down. Events held: 3" in page


def test_operators_who_may_can_have_it_probed_at_once(provider: Provider, client: Client, olga: User):
    pause(provider)
    before = Circuit.objects.get().probe_at
    form = {"action": "probe", "_selected_action": [provider.consumer.name]}
    client.post("/admin/messaging/circuit/", form)
    assert Circuit.objects.get().probe_at == before
    olga.user_permissions.add(Permission.objects.get(codename="probe_circuit"))
    page = client.post("/admin/messaging/circuit/", form, follow=True)
    assert "Consumers that are being probed: 1." in page.content.decode()
    assert Circuit.objects.get().probe_at < datetime.now(UTC)
