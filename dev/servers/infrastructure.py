"""The database and the broker: private ones by default, or those that the environment names."""

import re
from collections.abc import Mapping

import psycopg
from kombu import Connection

from dev.errors import NotReachable, ServerFailed
from dev.paths import servers_home
from dev.processes.children import unprivileged_user
from dev.servers.pgmq import install_pgmq
from dev.servers.postgres import Postgres
from dev.servers.rabbitmq import RabbitMQ
from dev.servers.rabbitmq_cluster import RabbitCluster


class Infrastructure:
    """What the shop stands on. Use it as a context manager: leaving it stops the private servers.

    ``DATABASE_URL`` and ``CELERY_BROKER_URL`` in ``given`` are used as they are. Without the first, a private
    PostgreSQL serves as the database; without the second, it is the broker as well, or with ``rabbitmq`` a
    private RabbitMQ is. With ``throw_away`` the private servers start empty, and a crash of the machine may
    cost their data.
    """

    def __init__(
        self,
        folder: str,
        *,
        rabbitmq: bool = False,
        throw_away: bool = False,
        given: Mapping[str, str] | None = None,
    ) -> None:
        given = {} if given is None else given
        self.database_url, self.broker_url = given.get("DATABASE_URL", ""), given.get("CELERY_BROKER_URL", "")
        self._rabbitmq = private_rabbitmq(folder) if rabbitmq and not self.broker_url else None
        needs_postgres = not self.database_url or not (self.broker_url or rabbitmq)
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
        for server in (self._rabbitmq, self._postgres):
            if server:
                server.stop()

    def check(self) -> None:
        """Raise :class:`ServerFailed` if a private server has ended."""
        for server in (self._rabbitmq, self._postgres):
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
        check_database(self.database_url)
        check_broker(self.broker_url)

    def _erase(self) -> None:
        for server in (self._rabbitmq, self._postgres):
            if server:
                server.erase()

    def _use(self, postgres: Postgres) -> None:
        self.database_url = self.database_url or postgres.create_database("shop")
        if not self.broker_url:
            url = postgres.create_database("shop_broker")
            self.broker_url = url.replace("postgresql://", "pgmq://", 1)


def private_postgres(folder: str, *, durable: bool) -> Postgres:
    """The PostgreSQL of this checkout whose data lies in ``folder``."""
    return Postgres(servers_home(unprivileged_user()) / folder / "postgres", durable=durable)


def private_rabbitmq(folder: str) -> RabbitMQ:
    """The RabbitMQ of this checkout whose data lies in ``folder``."""
    home = servers_home(None)
    return RabbitMQ(home / folder / "rabbitmq", programs_home=home)


def private_cluster(folder: str) -> RabbitCluster:
    """The RabbitMQ cluster of this checkout whose data lies in ``folder``."""
    home = servers_home(None)
    return RabbitCluster(home / folder / "rabbitmq", programs_home=home)


def check_database(url: str) -> None:
    """:class:`NotReachable` unless a PostgreSQL answers at ``url``."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.Error as error:
        raise NotReachable("DATABASE_URL", without_password(url), _first_line(error)) from None


def check_broker(url: str) -> None:
    """:class:`NotReachable` unless a broker answers at ``url``; pgmq is installed there if it is missing."""
    try:
        if url.startswith("pgmq://"):
            install_pgmq(url.replace("pgmq://", "postgresql://", 1))
            return
        with Connection(url, connect_timeout=5) as connection:
            connection.ensure_connection(max_retries=len(connection.alt[1:]))
    except Exception as error:  # noqa: BLE001  # each of kombu's transports fails in its own way
        raise NotReachable("CELERY_BROKER_URL", without_password(url), _first_line(error)) from None


def without_password(url: str) -> str:
    """``url``, or several joined by semicolons, as it may be shown."""
    return re.sub(r"(://[^:@/;]*:)[^@;]+@", r"\1***@", url)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
