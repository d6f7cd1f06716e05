"""Private Apache Kafka: one broker of version 0.9 and its ZooKeeper, as direct child processes."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from dev.errors import ServerFailed
from dev.processes import children, ports
from dev.servers import ownership
from dev.servers.child_server import ChildServer
from dev.servers.kafka_binaries import kafka_programs
from dev.servers.kafka_requests import serves_clients
from dev.servers.zookeeper import ZooKeeper

_REGISTRATION = "/brokers/ids/1"
#: Version that clients have to be told, for the broker cannot be asked, and what it lacks.
CLIENT_OPTIONS = (
    "api.version.request=false&broker.version.fallback=0.9.0.1&enable.idempotence=false&compression.type=none"
)
_LOG4J = """\
log4j.rootLogger=WARN, stdout
log4j.appender.stdout=org.apache.log4j.ConsoleAppender
log4j.appender.stdout.layout=org.apache.log4j.PatternLayout
log4j.appender.stdout.layout.ConversionPattern=[%d] %p %m (%c)%n
"""


@dataclass
class Kafka(ChildServer):
    """Kafka broker with its data in ``home``, kept from one start to the next."""

    home: Path
    #: Folder to unpack the programs in.
    programs_home: Path
    preferred_port: int = 28092
    #: Port at which clients are told to find the broker, if that is another one.
    advertised_port: int = 0
    port: int = field(init=False, default=0)
    child: children.Child | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.log = self.home / "out.log"
        self._zookeeper = ZooKeeper(self.home / "zookeeper")

    def url(self, prefix: str = "") -> str:
        """Return the value for ``SHOP_EVENT_BUS``, with a prefix of the topics' names."""
        return f"kafka://{ports.LOOPBACK}:{self.port}/{prefix}?{CLIENT_OPTIONS}"

    def _launch(self, timeout: float) -> None:
        programs = kafka_programs(self.programs_home)
        log4j = self._make_home()
        ownership.wait_for_predecessor(self.home / "pid", str(self.home / "server.properties"))
        self.port = ports.pick(self.port or self.preferred_port)
        if not self._zookeeper.is_running():
            self._zookeeper.start(programs, log4j=log4j, preferred_port=self.port + 1)
        self._wait_for_end_of_session()
        argv = programs.command("kafka.Kafka", self._write_configuration(), heap_mb=512, log4j=log4j)
        self.child = children.start_child(argv, env={"LANG": "C.UTF-8"}, log=self.log, cwd=self.home)
        (self.home / "pid").write_text(str(self.child.pid))
        ownership.wait_until_ready(
            "Kafka", self.child, lambda: serves_clients(self.port), log=self.log, timeout=timeout
        )

    def stop(self) -> None:
        """Shut down the broker cleanly, then its ZooKeeper."""
        if self.child:
            children.stop_children([self.child], grace=30)
        self._zookeeper.stop()

    def kill(self) -> None:
        """Kill the broker. ZooKeeper goes on."""
        super().kill()

    def erase(self) -> None:
        """Remove all data."""
        ownership.wait_for_predecessor(self.home / "zookeeper" / "pid", str(self.home))
        ownership.erase(self.home, self.home / "pid", str(self.home))

    def _make_home(self) -> Path:
        self._zookeeper.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        log4j = self.home / "log4j.properties"
        log4j.write_text(_LOG4J)
        return log4j

    def _wait_for_end_of_session(self) -> None:
        """Wait until ZooKeeper has forgotten a killed broker. One that starts before serves no clients."""
        deadline = time.monotonic() + 30
        while self._zookeeper.knows(_REGISTRATION):
            if time.monotonic() > deadline:
                raise ServerFailed("Kafka", "is still registered by an earlier process", self._zookeeper.log)
            time.sleep(0.05)

    def _write_configuration(self) -> Path:
        settings = {
            "broker.id": 1,
            "listeners": f"PLAINTEXT://{ports.LOOPBACK}:{self.port}",
            "advertised.listeners": f"PLAINTEXT://{ports.LOOPBACK}:{self.advertised_port or self.port}",
            "log.dirs": self.home / "data",
            "num.partitions": 16,
            "auto.create.topics.enable": "true",  # clients of 0.9 cannot create them otherwise
            "zookeeper.connect": f"{ports.LOOPBACK}:{self._zookeeper.port}",
            "zookeeper.session.timeout.ms": 4000,
            "offsets.topic.num.partitions": 4,
            "offsets.topic.replication.factor": 1,
            "group.min.session.timeout.ms": 1000,
            "log.cleaner.enable": "false",  # would take 128 MB
        }
        file = self.home / "server.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        return file
