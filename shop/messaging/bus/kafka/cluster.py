"""Kafka cluster that SHOP_EVENT_BUS names, what it can do, and the options of its clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from celery.utils.log import get_logger
from django.conf import settings

from shop.messaging.bus.transport_settings import split_servers

logger = get_logger(__name__)

#: Version that an option names, of a broker too old to be asked.
_VERSION = "broker.version.fallback"
_INSTANCE_ID, _IDEMPOTENCE = "group.instance.id", "enable.idempotence"
#: Options of librdkafka that apply to one kind of client; the other kind warns of them.
_PRODUCER_ONLY = frozenset({_IDEMPOTENCE, "compression.type", "linger.ms", "acks", "partitioner"})
_CONSUMER_ONLY = frozenset({_INSTANCE_ID, "session.timeout.ms", "heartbeat.interval.ms", "fetch.wait.max.ms"})


@dataclass(frozen=True)
class Cluster:
    """Cluster at ``kafka://[user:password@]host:port,host:port/prefix?option=value``.

    Options are those of librdkafka, and come before the shop's own.
    """

    servers: str
    #: Prefix of topics and groups, for several shops on one cluster.
    prefix: str
    options: dict[str, str]

    @classmethod
    def from_url(cls, url: str) -> Cluster:
        """Parse the URL."""
        authority, parts = split_servers(url)
        credentials, _, servers = authority.rpartition("@")
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        if credentials:
            user, _, password = credentials.partition(":")
            options = {
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": unquote(user),
                "sasl.password": unquote(password),
            } | options
        return cls(servers, parts.path.strip("/"), options)

    def name(self, name: str) -> str:
        """Return the name of a topic or group, with the prefix."""
        return f"{self.prefix}.{name}" if self.prefix else name

    @property
    def version(self) -> tuple[int, ...] | None:
        """Version of a broker that is too old to be asked; None if clients ask it themselves."""
        if self.options.get("api.version.request") != "false":
            return None
        return tuple(int(part) for part in self.options.get(_VERSION, "0.9").split("."))

    @property
    def is_administrable(self) -> bool:
        """True if topics can be created, and their settings read, over Kafka's protocol."""
        return self._has(0, 11)

    @property
    def is_idempotent(self) -> bool:
        """True if the broker drops what a producer has sent twice."""
        return self._has(0, 11) and self.options.get(_IDEMPOTENCE) != "false"

    @property
    def has_static_members(self) -> bool:
        """True if a member that restarts keeps its partitions."""
        return self._has(2, 3) and self.options.get(_INSTANCE_ID) != ""

    def _has(self, *since: int) -> bool:
        return self.version is None or self.version >= since

    def producer_config(self) -> dict[str, Any]:
        """Return the options of a producer."""
        own = {
            "acks": "all",
            _IDEMPOTENCE: self.is_idempotent,
            "compression.type": "lz4",
            "linger.ms": 1,
            "partitioner": "murmur2_random",  # that of Java's clients
            "message.max.bytes": 2 * settings.SHOP_MAX_MESSAGE_BYTES,
        }
        return self._config(own, without=_CONSUMER_ONLY)

    def consumer_config(self, group: str, instance: str) -> dict[str, Any]:
        """Return the options of a member of ``group``."""
        own: dict[str, Any] = {
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 1500,
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 4096,
        }
        if self.has_static_members:
            own[_INSTANCE_ID] = instance
        fixed = {
            "group.id": self.name(group),
            "partition.assignment.strategy": "range",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
        }
        return self._config(own, without=_PRODUCER_ONLY) | fixed

    def client_config(self) -> dict[str, Any]:
        """Return the options of a client that neither produces nor consumes."""
        return self._config({}, without=_PRODUCER_ONLY | _CONSUMER_ONLY)

    def _config(self, own: dict[str, Any], *, without: frozenset[str]) -> dict[str, Any]:
        common = {"bootstrap.servers": self.servers, "reconnect.backoff.max.ms": 2000, "log_level": 4}
        given = {name: value for name, value in self.options.items() if name not in without and value}
        return common | own | given


_told: set[str] = set()


def tell_once(message: str, *args: object) -> None:
    """Log a warning, once in a process: clients come and go, and the cluster stays what it is."""
    text = message % args
    if text not in _told:
        _told.add(text)
        logger.warning(text)


def tell_what_is_missing(cluster: Cluster) -> None:
    """Log which of the broker's properties the bus has to do without."""
    if not cluster.is_idempotent:
        tell_once("Kafka: no idempotent producer; a resent record may come twice and out of order")
    if not cluster.has_static_members:
        tell_once("Kafka: no group.instance.id; every restart of a worker moves partitions")
    if not cluster.is_administrable:
        tell_once("Kafka: the broker does not tell how long it retains events: see docs/transports.md")
