"""RabbitMQ cluster that loses nodes under load: no confirmed message is lost, and orders go on."""

import contextlib
import threading
from collections.abc import Iterator
from itertools import count, islice

import pytest
from kombu import Connection, Queue
from kombu.exceptions import OperationalError

from dev.errors import NoRabbitMQ
from dev.servers.infrastructure import private_cluster
from dev.servers.rabbitmq_cluster import RabbitCluster
from shop.ids import uuid7
from shop.messaging.bus.confirms import ConfirmingPublisher
from shop.messaging.bus.outgoing import Outgoing
from shop.messaging.bus.transport_settings import transport_settings
from shop.settings import CONTEXTS
from tests.faults.damage import all_orders, burned_attempts, dead_letters, watch_attempts
from tests.faults.load import Customers
from tests.faults.seeds import LONG
from tests.support.deployment import APPS, RELAY, Deployment
from tests.support.servers import fresh_database, in_ci, unique_name
from tests.support.waiting import eventually

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(300)]

#: Two workers compete for all events.
WORKERS = {RELAY: [RELAY], APPS: CONTEXTS, "rivals": CONTEXTS}


class ClusterBroker:
    """Virtual host on the cluster; its URL names all nodes."""

    def __init__(self, cluster: RabbitCluster) -> None:
        self.vhost = unique_name()
        self.url = cluster.add_vhost(self.vhost)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RabbitCluster]:
    """Three nodes that tests kill and partition."""
    cluster = private_cluster("test-cluster")
    try:
        cluster.create()
        yield cluster
    except NoRabbitMQ as reason:
        (pytest.fail if in_ci() else pytest.skip)(str(reason))
    finally:
        cluster.kill_all()


@pytest.fixture(autouse=True)
def whole(cluster: RabbitCluster) -> Iterator[None]:
    """Repair the cluster after a failed test."""
    yield
    cluster.mend()


@pytest.fixture(scope="module")
def shop(
    cluster: RabbitCluster,
    server_url: str,
    prepared: tuple[str, dict[str, str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Deployment]:
    """Deployment on the cluster."""
    template, tokens = prepared
    home = tmp_path_factory.mktemp("shop")
    with (
        fresh_database(server_url, template=template) as url,
        Deployment(
            database_url=url, broker=ClusterBroker(cluster), tokens=tokens, home=home, workers=WORKERS
        ) as shop,
    ):
        watch_attempts(shop)
        yield shop
        shop.print_logs()


def expect_shipping_goes_on(shop: Deployment, customers: Customers) -> None:
    """Wait until orders placed from now on are shipped."""
    placed = len(customers.accepted)
    shop.wait_until(lambda: customers.have_placed(placed + 3))
    later = customers.accepted[placed:]
    shop.wait_for_status(later, "shipped", "delivered")


def expect_all_done_and_nothing_burned(shop: Deployment, customers: Customers) -> None:
    assert customers.refusals == []
    shop.wait_for_status(all_orders(shop), "delivered")
    shop.audit()
    assert burned_attempts(shop) == []
    assert dead_letters(shop) == []


def test_the_chain_goes_on_while_the_node_that_leads_its_queues_is_dead(
    shop: Deployment, cluster: RabbitCluster
) -> None:
    with Customers(shop) as customers:
        expect_shipping_goes_on(shop, customers)
        leader = cluster.leaders(shop.broker.vhost)["payments.events"]
        cluster.kill(leader)
        expect_shipping_goes_on(shop, customers)
        cluster.start(leader)

    expect_all_done_and_nothing_burned(shop, customers)
    assert shop.notices == [], "no worker had to be started again"


@pytest.mark.skipif(not LONG, reason="a cut takes a minute to notice and to heal: script/test --long")
def test_the_chain_goes_on_while_the_node_that_its_clients_use_is_cut_off(
    shop: Deployment, cluster: RabbitCluster
) -> None:
    with Customers(shop) as customers:
        expect_shipping_goes_on(shop, customers)
        node = cluster.busiest(shop.broker.vhost)
        cluster.cut_off(node)
        assert node not in cluster.leaders(shop.broker.vhost).values(), "the majority leads all queues"
        expect_shipping_goes_on(shop, customers)
        cluster.heal(node)

    expect_all_done_and_nothing_burned(shop, customers)
    assert shop.notices == [], "no worker had to be started again"


def test_what_was_confirmed_survives_the_leader_of_its_queue(cluster: RabbitCluster) -> None:
    broker = ClusterBroker(cluster)
    with Connection(broker.url) as connection, connection.channel() as channel:
        Queue("kept", queue_arguments={"x-queue-type": "quorum"})(channel).declare()

    with Sender(broker.url, "kept") as sender:
        sender.wait_for_confirms(500)
        leader = cluster.leaders(broker.vhost)["kept"]
        cluster.kill(leader)
        sender.wait_for_confirms(500)

    assert sender.confirmed <= received(broker.url, "kept"), "read from the two nodes that are left"
    cluster.start(leader)


class Sender:
    """Publishes to a queue continuously, as the relay does, and records the confirmed messages."""

    def __init__(self, url: str, queue: str) -> None:
        self._url, self._queue = url, queue
        self.confirmed: set[int] = set()
        self._ids = count(1)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender")

    def __enter__(self) -> "Sender":
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._leaving.set()
        self._thread.join()

    def wait_for_confirms(self, more: int) -> None:
        """Wait until ``more`` further messages are confirmed."""
        wanted = len(self.confirmed) + more
        eventually(lambda: len(self.confirmed) >= wanted, within=60)

    def _run(self) -> None:
        options = transport_settings(self._url)["CELERY_BROKER_TRANSPORT_OPTIONS"]
        while not self._leaving.is_set():
            connection = Connection(self._url, transport_options=options)
            with contextlib.suppress(*connection.connection_errors, OperationalError):
                self._publish(ConfirmingPublisher(connection.ensure_connection(max_retries=2)))
            connection.collect()

    def _publish(self, publisher: ConfirmingPublisher) -> None:
        while not self._leaving.is_set():
            batch = [self._message(number) for number in islice(self._ids, 20)]
            confirmed = publisher.publish(batch).confirmed
            self.confirmed |= confirmed
            if len(confirmed) < len(batch):
                return  # refused: connect again

    def _message(self, number: int) -> Outgoing:
        return Outgoing(number, uuid7(), "tests.Counted.v1", self._queue, {}, str(number))


def received(url: str, queue: str) -> set[int]:
    """Take all messages from a queue and return their numbers."""
    found: set[int] = set()
    with Connection(url) as connection:
        waiting = connection.SimpleQueue(Queue(queue, no_declare=True), no_ack=True)
        with contextlib.suppress(waiting.Empty):
            while True:
                found.add(int(waiting.get(timeout=5).body))
    return found
