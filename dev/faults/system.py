"""System under test: a shop of real processes, its servers, and the network in between."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from dev.console import ignore_signals
from dev.faults.mailbox import Mailbox
from dev.faults.network import Link, Network
from dev.load import accounts, scenarios
from dev.load.api import Api
from dev.paths import VAR
from dev.processes import ports, programs
from dev.processes.supervisor import Supervisor
from dev.servers.infrastructure import (
    KAFKA,
    RABBITMQ,
    check_broker,
    private_kafka,
    private_postgres,
    private_rabbitmq,
)
from dev.servers.kafka import Kafka
from dev.servers.rabbitmq import RabbitMQ
from dev.servers.receiver import Receiver
from dev.temporary import temporary_folder
from shop.settings import CONTEXTS

#: Two relays, two schedulers and two workers for all queues: each has a competitor.
RELAYS, SCHEDULERS, WORKERS = ("relay", "relay-2"), ("scheduler", "scheduler-2"), ("worker", "worker-2")
CUSTOMERS = {f"customer{n}": f"Customer {n}" for n in range(5)}
SKUS = [f"FAULT-{n:02}" for n in range(20)]
HOME = VAR / "faults" / "programs"
_FOLDER = "faults"
#: Ports that no shop, benchmark or test on this machine prefers.
_POSTGRES_PORT, _RABBITMQ_PORT, _LINKS_PORT, _WEB_PORT = 23432, 23672, 21000, 20400
_RECEIVER_PORT = 20600
_STOCK = 1_000_000
#: Seconds until a customer repeats an unanswered request.
_CUSTOMER_TIMEOUT = 10.0
#: Settings that shorten the shop's waiting times.
_FAST_SETTINGS = {
    "SHOP_TRACKING_INTERVAL_SECONDS": "0.5",
    "SHOP_REFUND_CHECK_INTERVAL_SECONDS": "0.5",
    "SHOP_ENDPOINT_NETWORKS": "127.0.0.0/8",
    "SHOP_ENDPOINT_RETRIES": ",".join(["1"] * 600),
    "SHOP_ENDPOINT_REST_SECONDS": "1",
    "SHOP_ENDPOINT_TIMEOUT_SECONDS": "3",
}
#: Paths of a receiver of webhooks that faults hurt, and of one that they do not.
HURT, WELL = "/hurt", "/well"
_MAKE_ENDPOINT = (
    "from integrations.services import create_endpoint;"
    " print(create_endpoint(url='{url}', event_types=['*'], contact='ops@example.com')[1])"
)


class System:
    """Context manager of the system. Leaving it stops everything in order, or kills it after an error."""

    def __init__(self, report: Callable[[str], None], *, event_bus: str = RABBITMQ) -> None:
        self.postgres, self.rabbitmq = private_postgres(_FOLDER, durable=True), private_rabbitmq(_FOLDER)
        self.postgres.preferred_port, self.rabbitmq.preferred_port = _POSTGRES_PORT, _RABBITMQ_PORT
        #: Event bus beside the embedded broker, or None if RabbitMQ is both.
        self.kafka = private_kafka(_FOLDER) if event_bus == KAFKA else None
        self.supervisor = Supervisor(HOME / "log", report=report)
        self._stack = contextlib.ExitStack()
        #: Number of unreadable messages sent.
        self.poisoned = 0
        #: Queues that lost a binding: the order doctor may resend what they missed.
        self.unbound: set[str] = set()

    def __enter__(self) -> "System":
        return self

    def __exit__(self, *exc_info: object) -> None:
        ignore_signals()  # a second Ctrl-C must not interrupt the shutdown
        if any(exc_info):
            self.supervisor.kill()  # an active fault would delay an orderly stop
        self._broker.resume()
        self._stack.close()

    def start(self, say: Callable[[str], None]) -> None:
        """Start everything on empty servers and wait until it is ready."""
        say("Starting the servers ...")
        self._folder = self._stack.enter_context(temporary_folder(_FOLDER))
        shutil.rmtree(HOME, ignore_errors=True)
        self._start_network()
        self._start_servers()
        self.env = self._environment()
        say("Preparing the database ...")
        self.run_python("manage.py", "migrate", "--no-input", "--skip-checks", name="migrate")
        self.tokens = accounts.provide(
            self, products=_products(), customers=CUSTOMERS, reason="for a schedule of faults"
        )
        say("Starting web server, relays, schedulers and workers ...")
        self._make_endpoints()
        self._start_programs()

    def _make_endpoints(self) -> None:
        """Have two receivers get all events."""
        self.receiver = self._stack.enter_context(Receiver(ports.pick(_RECEIVER_PORT)))
        for path in (HURT, WELL):
            code = _MAKE_ENDPOINT.format(url=self.receiver.url(path))
            log = self.run_python("manage.py", "shell", "--no-imports", "-c", code, name="make-endpoint")
            self.receiver.inboxes[path].secret = log.read_text().split()[-1]
        ((self.webhooks_since,),) = self.rows("select coalesce(max(position), 0) from messaging_eventrecord")

    @property
    def _broker(self) -> RabbitMQ | Kafka:
        """Server of the event bus."""
        return self.kafka or self.rabbitmq

    def _start_servers(self) -> None:
        if self.kafka:
            self.kafka.advertised_port = self.links["broker"].port
        for server in (self._broker, self.postgres):
            server.erase()
            self._stack.callback(server.stop)
            server.start()
        self.database_url = self.postgres.create_database("shop")
        self.broker_url = self._embedded_url() if self.kafka else self.rabbitmq.url()
        check_broker(self.broker_url)

    def _embedded_url(self) -> str:
        return self.postgres.create_database("shop_broker").replace("postgresql://", "pgmq://", 1)

    def _start_network(self) -> None:
        self.mailbox = self._stack.enter_context(Mailbox(_LINKS_PORT))
        network = self._stack.enter_context(Network())
        self.links: dict[str, Link] = {
            "database": network.link(port=_LINKS_PORT + 1, server_port=lambda: self.postgres.port),
            "broker": network.link(port=_LINKS_PORT + 2, server_port=lambda: self._broker.port),
            "mail": network.link(port=_LINKS_PORT + 3, server_port=lambda: self.mailbox.port),
        }

    def _environment(self) -> dict[str, str]:
        """Return the environment of the shop's processes, which reach their servers through the proxies."""
        common = programs.environment(
            database_url=_through(self.links["database"], self.database_url),
            broker_url=_through(self.links["database" if self.kafka else "broker"], self.broker_url),
            event_bus_url=_through(self.links["broker"], self.kafka.url()) if self.kafka else "",
        )
        mail = {
            "EMAIL_BACKEND": "notifications.smtp.EmailBackend",
            "EMAIL_HOST": ports.LOOPBACK,
            "EMAIL_PORT": str(self.links["mail"].port),
        }
        return {
            **common,
            **mail,
            **_FAST_SETTINGS,
            "DJANGO_SETTINGS_MODULE": "dev.faults.settings",
            "TMPDIR": str(self._folder),
        }

    def _start_programs(self) -> None:
        self.web_port = ports.pick(_WEB_PORT)
        self._stack.enter_context(self.supervisor)
        self.supervisor.start(
            programs.web(self.env, port=self.web_port),
            *(programs.worker(self.env, name, [programs.RELAY], home=HOME) for name in RELAYS),
            *(programs.worker(self.env, name, CONTEXTS, home=HOME) for name in WORKERS),
            *(programs.scheduler(self.env, name=name, home=HOME) for name in SCHEDULERS),
        )
        self.supervisor.wait_ready()

    @property
    def api(self) -> Api:
        """The REST API, with a short timeout."""
        return Api(self.web_port, timeout=_CUSTOMER_TIMEOUT)

    def run_python(self, *arguments: str | Path, name: str) -> Path:
        """Run Python in the shop's environment and return the log; ServerFailed quotes its end."""
        log = HOME / "log" / f"{name}.log"
        programs.run_python(self.env, *arguments, log=log)
        return log

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Query the database directly, bypassing the proxies."""
        with psycopg.connect(self.database_url, autocommit=True, connect_timeout=5) as session:
            return session.execute(query.encode(), parameters).fetchall()


def _through(link: Link, url: str) -> str:
    """Return ``url`` with the port of the proxy."""
    parts = urlsplit(url)
    credentials = parts.netloc.rpartition("@")[0]
    address = f"{ports.LOOPBACK}:{link.port}"
    return urlunsplit(parts._replace(netloc=f"{credentials}@{address}" if credentials else address))


def _products() -> list[dict[str, Any]]:
    stock = {**dict.fromkeys(SKUS, _STOCK), scenarios.SOLD_OUT_SKU: 0}
    return [
        {"sku": sku, "name": sku.title(), "price": "9.90", "currency": "EUR", "needed": needed}
        for sku, needed in stock.items()
    ]
