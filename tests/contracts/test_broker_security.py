"""RabbitMQ with TLS, and with users for programs that read the events."""

import datetime
import ipaddress
import json
import os
import shlex
import ssl
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
from celery import Celery
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.management import CommandError, call_command
from kombu import Connection, Queue
from pika.exceptions import ChannelClosedByBroker

from dev.errors import NoRabbitMQ
from dev.processes import ports
from dev.servers.infrastructure import private_rabbitmq
from dev.servers.rabbitmq import RabbitMQ
from dev.servers.rabbitmq_binaries import rabbitmq_programs
from payments.events import PaymentProcessed
from shop.ids import uuid7
from shop.messaging.bus import topology
from shop.messaging.bus.transport_settings import transport_settings
from shop.messaging.models import InboxEntry, OutboxEntry
from tests.contracts.conftest import Probe, environment, started_worker
from tests.contracts.probe.events import ProbeSent
from tests.support.servers import in_ci
from tests.support.waiting import eventually

pytestmark = [pytest.mark.rabbitmq, pytest.mark.timeout(300)]


class Authority:
    """Certificate authority in a folder."""

    def __init__(self, home: Path, name: str) -> None:
        self._home, self._name, self._key = home, name, ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._write(f"{name}.pem", self._sign(self._subject, self._key, is_authority=True))

    def issue(self, name: str, *addresses: str) -> tuple[Path, Path]:
        """Issue a certificate and return the paths of certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        key_path = self._home / f"{name}.key"
        key_path.write_bytes(pem)
        return self._write(f"{name}.pem", self._sign(subject, key, *addresses)), key_path

    def _sign(self, subject: x509.Name, key: Any, *addresses: str, is_authority: bool = False) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if addresses:
            names = [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _write(self, name: str, data: bytes) -> Path:
        path = self._home / name
        path.write_bytes(data)
        return path


@pytest.fixture(scope="module")
def tls(tmp_path_factory) -> SimpleNamespace:
    """Certificates, and environment variables of a client that has them."""
    home = tmp_path_factory.mktemp("tls")
    authority, stranger = Authority(home, "authority"), Authority(home, "stranger")
    certificate, key = authority.issue("shop")
    return SimpleNamespace(
        authority=authority,
        stranger=stranger,
        env={
            "SHOP_BROKER_CA": str(authority.certificate),
            "SHOP_BROKER_CERTIFICATE": str(certificate),
            "SHOP_BROKER_KEY": str(key),
        },
    )


@pytest.fixture(scope="module")
def node(tls) -> Iterator[SimpleNamespace]:
    """RabbitMQ with TLS listeners: one with a good certificate that asks for the client's."""
    process = os.environ.get("PYTEST_XDIST_WORKER", "")
    rabbitmq = private_rabbitmq(f"test-security{process}")
    rabbitmq.preferred_port += 1500 + 100 * int(process.removeprefix("gw") or 0)
    port = ports.pick(rabbitmq.preferred_port + 20)
    certificate, key = tls.authority.issue("broker", ports.LOOPBACK)
    rabbitmq.settings = {
        "listeners.ssl.1": f"{ports.LOOPBACK}:{port}",
        "ssl_options.cacertfile": str(tls.authority.certificate),
        "ssl_options.certfile": str(certificate),
        "ssl_options.keyfile": str(key),
        "ssl_options.verify": "verify_peer",
        "ssl_options.fail_if_no_peer_cert": "true",
    }
    try:
        rabbitmq.erase()
        rabbitmq.start()
    except NoRabbitMQ as reason:
        (pytest.fail if in_ci() else pytest.skip)(str(reason))
    yield SimpleNamespace(rabbitmq=rabbitmq, url=rabbitmq.url(), tls_port=port)
    rabbitmq.kill()


def tls_url(node: SimpleNamespace, host: str = ports.LOOPBACK) -> str:
    password = urlsplit(node.url).password
    return f"amqps://shop:{password}@{host}:{node.tls_port}//"


# --- TLS ---


@pytest.fixture
def use(monkeypatch) -> Callable[[dict[str, str]], None]:
    def use(env: dict[str, str]) -> None:
        for name in ("SHOP_BROKER_CA", "SHOP_BROKER_CERTIFICATE", "SHOP_BROKER_KEY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in env.items():
            monkeypatch.setenv(name, value)

    return use


def connect(url: str) -> None:
    options = transport_settings(url)
    with Connection(
        url,
        ssl=options["CELERY_BROKER_USE_SSL"],
        transport_options=options["CELERY_BROKER_TRANSPORT_OPTIONS"],
        connect_timeout=5,
    ) as connection:
        connection.connect()


def test_relay_workers_and_tasks_speak_tls(node, tls, use, tmp_path, transactional_db, probe_table):
    url = tls_url(node)
    use(tls.env)
    env = environment(url, settings="tests.contracts.settings")
    InboxEntry.objects.create(event_id=uuid7(), consumer="old", consumed_at="2020-01-01T00:00:00Z")
    with started_worker(env, tmp_path / "tls.log", processes=1):
        probe = Probe(url)
        events = probe.publish(*(ProbeSent(probe_id=uuid7(), number=number) for number in range(300)))
        eventually(lambda: len(probe.notes()) == len(events))
        eventually(lambda: not OutboxEntry.objects.exists())
        with application(url) as app:
            app.conf.broker_use_ssl = transport_settings(url)["CELERY_BROKER_USE_SSL"]
            app.send_task("messaging.prune_inbox", queue=Queue("tests", no_declare=True))
        eventually(lambda: not InboxEntry.objects.filter(consumer="old").exists())


def test_a_broker_that_another_authority_vouches_for_is_refused(node, tls, use):
    use(tls.env | {"SHOP_BROKER_CA": str(tls.stranger.certificate)})
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(tls_url(node))


def test_a_broker_of_another_name_is_refused(node, tls, use):
    use(tls.env)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        connect(tls_url(node, "127.1"))


def test_without_its_authority_a_broker_is_refused(node, tls, use):
    use({})
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(tls_url(node))


def test_a_broker_may_ask_for_the_certificate_of_the_shop(node, tls, use):
    use({"SHOP_BROKER_CA": str(tls.authority.certificate)})
    with pytest.raises(OSError, match=r"certificate required|closed|reset|[Bb]roken|EOF"):
        connect(tls_url(node))
    use(tls.env)
    connect(tls_url(node))


# --- Readers ---


@pytest.fixture(scope="module")
def rabbitmqctl(node, tmp_path_factory) -> Path:
    """Program that is ``rabbitmqctl`` for the node."""
    rabbitmq: RabbitMQ = node.rabbitmq
    programs = rabbitmq_programs(rabbitmq.programs_home)
    settings = "".join(f"export {name}='{value}'\n" for name, value in rabbitmq._env(programs).items())
    path = tmp_path_factory.mktemp("bin") / "rabbitmqctl"
    path.write_text(f'#!/bin/sh\n{settings}cd {rabbitmq.home}\nexec {programs.rabbitmq}/rabbitmqctl "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(scope="module")
def shop(node) -> Iterator[Any]:
    """Channel of the shop, whose workers have declared their queues."""
    with Connection(node.url) as declaring:
        topology.declare_topology(declaring)
    with pika.BlockingConnection(pika.URLParameters(node.url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel


@contextmanager
def application(url: str) -> Iterator[Celery]:
    """Celery application with its broker at ``url``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELERY_BROKER_URL", url)  # it has precedence over arguments
        with closing(Celery(set_as_current=False)) as app:
            patch.setattr("shop.messaging.management.commands.broker_users.current_app", app)
            yield app
            app.pool.force_close_all()


@pytest.fixture(scope="module")
def password(node, shop, rabbitmqctl) -> str:
    """Password of the reader ``warehouse``, which the command has made."""
    with application(node.url):
        return _printed("warehouse", rabbitmqctl=str(rabbitmqctl), events=r"^orders\.").split()[-1]


@pytest.fixture
def warehouse(node, password) -> Iterator[Any]:
    """Channel of the reader."""
    url = urlsplit(node.url)
    credentials = pika.PlainCredentials("reader-warehouse", password)
    parameters = pika.ConnectionParameters(url.hostname, url.port, credentials=credentials)
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        yield channel


def _printed(*names: str, **options: Any) -> str:
    out = StringIO()
    call_command("broker_users", *names, stdout=out, **options)
    return out.getvalue()


def test_a_reader_binds_and_reads_its_queue(shop, warehouse):
    channel = warehouse
    channel.queue_bind("reader-warehouse.events", "shop.events", "orders.OrderCreated.v1")
    shop.basic_publish("shop.events", "orders.OrderCreated.v1", b"hello", mandatory=True)
    _, _, body = eventually(
        lambda: (got := channel.basic_get("reader-warehouse.events", auto_ack=True))[0] and got
    )
    assert body == b"hello"
    channel.queue_unbind("reader-warehouse.events", "shop.events", "orders.OrderCreated.v1")


FORBIDDEN: dict[str, Callable[[Any], object]] = {
    "publish an event": lambda channel: channel.basic_publish("shop.events", "orders.OrderCreated.v1", b"!"),
    "publish to a queue": lambda channel: channel.basic_publish("", "orders.events", b"!"),
    "publish a task": lambda channel: channel.basic_publish("shop.tasks", "orders", b"!"),
    "command a worker": lambda channel: channel.basic_publish("celery.pidbox", "", b"!"),
    "read our queue": lambda channel: channel.basic_get("orders.events"),
    "consume our queue": lambda channel: channel.basic_consume("orders.events", print),
    "unbind our queue": lambda channel: channel.queue_unbind(
        "orders.events", "shop.events", PaymentProcessed.type
    ),
    "purge our queue": lambda channel: channel.queue_purge("orders.events"),
    "delete our queue": lambda channel: channel.queue_delete("orders.events"),
    "delete our exchange": lambda channel: channel.exchange_delete("shop.events"),
    "bind events that are not for it": lambda channel: channel.queue_bind(
        "reader-warehouse.events", "shop.events", "payments.#"
    ),
    "bind all events": lambda channel: channel.queue_bind("reader-warehouse.events", "shop.events", "#"),
    "declare a queue that refuses our messages": lambda channel: channel.queue_declare(
        "reader-warehouse.full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"}
    ),
    "declare a queue that dead-letters to us": lambda channel: channel.queue_declare(
        "reader-warehouse.dead", arguments={"x-dead-letter-exchange": "shop.events", "x-message-ttl": 1}
    ),
    "declare an exchange": lambda channel: channel.exchange_declare("reader-warehouse.x", "topic"),
}


@pytest.mark.parametrize("act", FORBIDDEN)
def test_a_reader_can_do_nothing_else(shop, warehouse, act):
    waiting = shop.queue_declare("orders.events", passive=True).method.message_count
    with pytest.raises(ChannelClosedByBroker) as refusal:
        FORBIDDEN[act](warehouse)
    assert refusal.value.reply_code in (403, 404)
    shop.basic_publish("shop.events", PaymentProcessed.type, b"still routed", mandatory=True)
    eventually(lambda: shop.queue_declare("orders.events", passive=True).method.message_count == waiting + 1)


def test_where_the_program_is_not_at_hand_the_commands_are_printed(node):
    with application(node.url):
        lines = _printed("till", print=True).splitlines()
    assert lines[1] == "rabbitmqctl add_user reader-till"
    own = r"^reader\-till\."
    rights = shlex.split(lines[2])
    assert rights[1:] == ["set_permissions", "-p", "/", "reader-till", "^$", own, rf"{own}|^shop\.events$"]
    assert lines[3] == "rabbitmqctl set_topic_permissions -p / reader-till shop.events '^$' '.*'"
    assert json.loads(shlex.split(lines[4])[-1])["max-connections"]


@pytest.mark.parametrize("name", ["", "A", "a b", "x.*", "-p", "a" * 60])
def test_a_name_that_could_mean_more_is_refused(name):
    with pytest.raises(CommandError, match="a name has"):
        call_command("broker_users", "--print", "--", name)
