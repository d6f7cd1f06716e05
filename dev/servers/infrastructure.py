"""Database and broker: private ones by default, or those that the environment names."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import psycopg
from kombu import Connection

from dev.errors import NotReachable, ServerFailed
from dev.paths import servers_home
from dev.processes.children import unprivileged_user
from dev.servers.kafka import Kafka
from dev.servers.pgmq import hand_over, install_pgmq
from dev.servers.postgres import Postgres
from dev.servers.rabbitmq import RabbitMQ
from dev.servers.rabbitmq_cluster import RabbitCluster
from dev.servers.servicebus.process import ServiceBusStandIn
from dev.servers.tansu import Tansu

#: Event buses that are Celery's broker as well.
EMBEDDED, RABBITMQ = "embedded", "rabbitmq"
#: Event buses of their own.
KAFKA, SERVICE_BUS = "kafka", "servicebus"
#: Event buses that script/run can start.
EVENT_BUSES = (EMBEDDED, RABBITMQ, KAFKA, SERVICE_BUS)

#: Role of web, workers and relay on a private PostgreSQL. It owns the broker's database, not the shop's.
ROLE = "shop"


class EventBusServer(Protocol):
    """Private server of an event bus."""

    log: Path
    #: What whoever starts it has to know.
    notice: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def erase(self) -> None: ...
    def is_running(self) -> bool: ...
    def url(self) -> str: ...


class Infrastructure:
    """Context manager of database and broker. Leaving it stops the private servers.

    ``DATABASE_URL``, ``SHOP_ADMIN_DATABASE_URL``, ``CELERY_BROKER_URL`` and ``SHOP_EVENT_BUS`` in ``given``
    are used as they are. Without the first, a private PostgreSQL is started with a role for the shop. Without
    the third, Celery's broker is a second database on it, or a private RabbitMQ if that is the event bus.
    Without the last, the event bus is Celery's broker, or a private server of the kind that is asked for.
    With ``throw_away`` the private servers start empty, without durability and without pages of their own.
    """

    def __init__(
        self,
        folder: str,
        *,
        event_bus: str = EMBEDDED,
        throw_away: bool = False,
        given: Mapping[str, str] | None = None,
    ) -> None:
        given = {} if given is None else given
        #: URL of the event bus; empty if it is Celery's broker.
        self.event_bus_url = given.get("SHOP_EVENT_BUS", "")
        self.database_url, self.broker_url = given.get("DATABASE_URL", ""), given.get("CELERY_BROKER_URL", "")
        #: The owner of the tables; empty if ``database_url`` is the owner's.
        self.admin_database_url = given.get("SHOP_ADMIN_DATABASE_URL", "") if self.database_url else ""
        needs_rabbitmq = event_bus == RABBITMQ and not self.broker_url
        self._rabbitmq = private_rabbitmq(folder, has_management=not throw_away) if needs_rabbitmq else None
        self._event_bus = None if self.event_bus_url else private_event_bus(folder, event_bus)
        needs_postgres = not self.database_url or not (self.broker_url or self._rabbitmq)
        self._postgres = private_postgres(folder, durable=not throw_away) if needs_postgres else None
        self._throw_away = throw_away

    def __enter__(self) -> "Infrastructure":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        for server in (self._event_bus, self._rabbitmq, self._postgres):
            if server:
                server.stop()

    @property
    def data(self) -> Path | None:
        """Data of the private PostgreSQL, if there is one."""
        return self._postgres.data if self._postgres else None

    def check(self) -> None:
        """Raise ServerFailed if a private server has ended."""
        for server in (self._event_bus, self._rabbitmq, self._postgres):
            if server and not server.is_running():
                raise ServerFailed(type(server).__name__, "has ended", server.log)

    def _start(self) -> None:
        if self._throw_away:
            self._erase()
        if self._rabbitmq:
            self._rabbitmq.start()
            self.broker_url = self._rabbitmq.url()
        if self._postgres:
            self._postgres.start()
            self._use(self._postgres)
        if self._event_bus:
            self._event_bus.start()
            self.event_bus_url = self._event_bus.url()
        check_database(self.database_url)
        check_broker(self.broker_url)

    @property
    def management(self) -> tuple[str, str]:
        """URL and login of the broker's own pages; empty if there are none."""
        node = self._rabbitmq
        return (node.management_url, node.login) if node and node.has_management else ("", "")

    @property
    def notice(self) -> str:
        """Notice for whoever starts the servers; empty if there is none."""
        return self._event_bus.notice if self._event_bus else ""

    def _erase(self) -> None:
        for server in (self._event_bus, self._rabbitmq, self._postgres):
            if server:
                server.erase()

    def _use(self, postgres: Postgres) -> None:
        postgres.create_role(ROLE)
        if not self.database_url:
            self.admin_database_url = postgres.create_database("shop")
            self.database_url = postgres.url("shop", ROLE)
        if not self.broker_url:
            hand_over(postgres.create_database("shop_broker"), ROLE)
            self.broker_url = postgres.url("shop_broker", ROLE).replace("postgresql://", "pgmq://", 1)


def private_postgres(folder: str, *, durable: bool) -> Postgres:
    """Return this checkout's PostgreSQL with its data in ``folder``."""
    return Postgres(servers_home(unprivileged_user()) / folder / "postgres", durable=durable)


def private_rabbitmq(folder: str, *, has_management: bool = False) -> RabbitMQ:
    """Return this checkout's RabbitMQ node with its data in ``folder``."""
    home = servers_home(None)
    return RabbitMQ(home / folder / "rabbitmq", programs_home=home, has_management=has_management)


def private_cluster(folder: str) -> RabbitCluster:
    """Return this checkout's RabbitMQ cluster with its data in ``folder``."""
    home = servers_home(None)
    return RabbitCluster(home / folder / "rabbitmq", programs_home=home)


def private_kafka(folder: str) -> Kafka:
    """Return this checkout's Apache Kafka with its data in ``folder``."""
    home = servers_home(None)
    return Kafka(home / folder / "kafka", programs_home=home)


def private_tansu(folder: str) -> Tansu:
    """Return this checkout's Tansu with its log in ``folder``."""
    return Tansu(servers_home(None) / folder / "tansu")


def private_service_bus(folder: str) -> ServiceBusStandIn:
    """Return this checkout's stand-in for Service Bus, with the shop's entities."""
    return ServiceBusStandIn(servers_home(None) / folder / "servicebus")


_EVENT_BUS_SERVERS: dict[str, Callable[[str], EventBusServer]] = {
    KAFKA: private_tansu,
    SERVICE_BUS: private_service_bus,
}


def private_event_bus(folder: str, kind: str) -> EventBusServer | None:
    """Return the private server of an event bus; None if that is Celery's broker."""
    return _EVENT_BUS_SERVERS[kind](folder) if kind in _EVENT_BUS_SERVERS else None


def check_database(url: str) -> None:
    """Raise NotReachable unless a PostgreSQL answers at ``url``."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        raise NotReachable("DATABASE_URL", without_password(url), _first_line(error)) from None


def check_broker(url: str) -> None:
    """Raise NotReachable unless a broker answers at ``url``. Installs pgmq there if it is missing."""
    try:
        if url.startswith("pgmq://"):
            install_pgmq(url.replace("pgmq://", "postgresql://", 1))
            return
        with Connection(url, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=len(connection.alt[1:]))
    except Exception as error:  # noqa: BLE001  # each of kombu's transports fails in its own way
        raise NotReachable("CELERY_BROKER_URL", without_password(url), _first_line(error)) from None


def without_password(url: str) -> str:
    """Return ``url``, or several joined by semicolons, with the passwords masked."""
    return re.sub(r"(://[^:@/;]*:)[^@;]+@", r"\1***@", url)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
