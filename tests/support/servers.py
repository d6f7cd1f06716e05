"""Brokers and databases for one test, on the servers that ``script/test`` has started."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from dev.processes import programs
from dev.servers.pgmq import install_pgmq
from dev.servers.rabbitmq import RabbitMQ
from tests.support.management import ManagementCommands


class Broker(Protocol):
    """Broker of one test."""

    url: str


class EmbeddedBroker:
    """pgmq in its own database."""

    def __init__(self, database_url: str) -> None:
        self.url = database_url.replace("postgresql://", "pgmq://", 1)
        install_pgmq(database_url)


class RabbitBroker:
    """Virtual host on a RabbitMQ node."""

    def __init__(self, node: RabbitMQ) -> None:
        self._node = node
        self.url = node.add_vhost(unique_name())

    def stop(self) -> None:
        """Shut the node down cleanly."""
        self._node.stop()

    def kill(self) -> None:
        """Kill the node."""
        self._node.kill()

    def start(self) -> None:
        """Restart the node with its durable data."""
        if not self._node.is_running():
            self._node.start()


def unique_name() -> str:
    return f"test_{secrets.token_hex(4)}"


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"1", "true"}


@contextmanager
def fresh_database(server_url: str, *, template: str = "template1") -> Iterator[str]:
    """Create a database on the server of ``server_url``, yield its URL and drop it in the end."""
    name = unique_name()
    with _session(server_url) as session:
        create = sql.SQL("create database {} template {}")
        session.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
    try:
        yield urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
    finally:
        with _session(server_url) as session:
            session.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def migrated_template(server_url: str) -> str:
    """Return the name of a database with all tables, which the first of the test processes makes for all."""
    name = "migrated"
    with _session(server_url) as session:
        session.execute("select pg_advisory_lock(hashtext('migrated'))")
        if not session.execute("select 1 from pg_database where datname = %s", [name]).fetchone():
            with fresh_database(server_url) as url:
                with ManagementCommands(admin_environment(url)) as commands:
                    commands.check("migrate", "--no-input", "--skip-checks")
                copy = sql.SQL("create database {} template {}")
                session.execute(copy.format(sql.Identifier(name), sql.Identifier(name_of(url))))
    return name


def admin_environment(database_url: str) -> dict[str, str]:
    """Return the environment of management commands in a database, without a broker."""
    return programs.environment(
        database_url=as_running_role(database_url), broker_url="memory://", admin_url=database_url
    )


def as_running_role(database_url: str) -> str:
    """Return the URL of the same database for the role of web and workers, if the server has it."""
    running = os.environ.get("RUNNING_DATABASE_URL", database_url)
    return urlunsplit(urlsplit(running)._replace(path=urlsplit(database_url).path))


def name_of(database_url: str) -> str:
    return urlsplit(database_url).path.removeprefix("/")


def _session(server_url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(urlunsplit(urlsplit(server_url)._replace(path="/postgres")), autocommit=True)
