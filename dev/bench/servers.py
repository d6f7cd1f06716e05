"""Private servers for measurements: empty at the start, durable as in production."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dev.errors import ServerFailed
from dev.paths import VAR
from dev.processes import ports
from dev.servers import ownership
from dev.servers.infrastructure import (
    KAFKA,
    SERVICE_BUS,
    private_kafka,
    private_postgres,
    private_rabbitmq,
    private_service_bus,
)
from dev.servers.kafka import Kafka
from dev.servers.postgres import Postgres
from dev.servers.rabbitmq import RabbitMQ
from dev.servers.servicebus.process import ServiceBusStandIn

#: Folder of the measured programs' logs, mails and ready files.
HOME = VAR / "bench" / "programs"
#: Python of the competitors' virtual environment.
COMPETITORS_PYTHON = VAR / "bench-competitors" / "bin" / "python"
_FOLDER = "bench"
#: Ports that a shop on this machine does not prefer.
_POSTGRES_PORT, _RABBITMQ_PORT, _EVENT_BUS_PORT = 27432, 28672, 30092

#: Server of an event bus beside Celery's broker.
EventBusServer = Kafka | ServiceBusStandIn
#: What a report calls them.
EVENT_BUS_NAMES = {KAFKA: "Kafka", SERVICE_BUS: "Service Bus (stand-in)"}


@dataclass
class StompRabbitMQ(RabbitMQ):
    """RabbitMQ with the STOMP plugin, for django-outbox-pattern."""

    stomp_port: int = field(init=False, default=0)

    @property
    def password(self) -> str:
        return (self.home / "password").read_text()

    def _write_configuration(self) -> None:
        super()._write_configuration()
        self.stomp_port = ports.pick(self.epmd.port + 1)
        with (self.home / "rabbitmq.conf").open("a") as file:
            file.write(f"stomp.listeners.tcp.1 = {ports.LOOPBACK}:{self.stomp_port}\n")
        (self.home / "enabled_plugins").write_text("[rabbitmq_stomp].\n")


@contextlib.contextmanager
def empty_postgres() -> Iterator[Postgres]:
    """Start an empty PostgreSQL."""
    server = private_postgres(_FOLDER, durable=True)
    server.preferred_port = _POSTGRES_PORT
    _empty(server.home, server.data / "postmaster.pid")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def empty_rabbitmq() -> Iterator[StompRabbitMQ]:
    """Start an empty RabbitMQ node."""
    plain = private_rabbitmq(_FOLDER)
    server = StompRabbitMQ(plain.home, programs_home=plain.programs_home, preferred_port=_RABBITMQ_PORT)
    _empty(server.home, server.home / "pid")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def empty_event_bus(kind: str) -> Iterator[EventBusServer]:
    """Start an empty Apache Kafka, or the stand-in for Service Bus."""
    server = private_kafka(_FOLDER) if kind == KAFKA else private_service_bus(_FOLDER)
    server.preferred_port = _EVENT_BUS_PORT
    server.erase()
    try:
        server.start()
        yield server
    finally:
        server.stop()


def check(*running: Postgres | RabbitMQ) -> None:
    """Raise ServerFailed if a server has ended."""
    for server in running:
        if not server.is_running():
            raise ServerFailed(type(server).__name__, "has ended", server.log)


def pid_of(server: Postgres | RabbitMQ | EventBusServer) -> int:
    """Return the process id of a started server."""
    if not server.child:
        raise ServerFailed(type(server).__name__, "was not started", server.log)
    return server.child.pid


def empty_home() -> None:
    """Remove the files of an earlier run."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)


def _empty(home: Path, pid_file: Path) -> None:
    ownership.wait_for_predecessor(pid_file, os.fspath(home))
    shutil.rmtree(home, ignore_errors=True)
