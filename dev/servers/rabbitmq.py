"""Private RabbitMQ node: a direct child process with its own name, ports, epmd and folder."""

import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from dev.errors import ServerFailed
from dev.paths import make_private_file
from dev.processes import children, ports
from dev.servers import ownership
from dev.servers.child_server import ChildServer
from dev.servers.epmd import Epmd
from dev.servers.rabbitmq_binaries import RabbitPrograms, rabbitmq_programs

#: Port of the management plugin's pages, if it is free.
_MANAGEMENT_PORT = 15672
_AMQP_HELLO = b"AMQP\x00\x00\x09\x01"
_METHOD_FRAME = b"\x01"


@dataclass
class RabbitMQ(ChildServer):
    """RabbitMQ node with its data in ``home``, kept from one start to the next."""

    home: Path
    #: Folder to unpack the programs in if they are not installed.
    programs_home: Path
    preferred_port: int = 26672
    #: Node name, which the data belongs to. The private epmd keeps equal names apart.
    name: str = "shop@localhost"
    #: Enable the management plugin: RabbitMQ's own pages and its HTTP API.
    has_management: bool = False
    #: Additional settings of rabbitmq.conf.
    settings: Mapping[str, str] = field(default_factory=dict)
    #: Folder of the Erlang cookie and the password, if a cluster shares them.
    credentials: Path | None = None
    #: The cluster's epmd, which the cluster starts and stops.
    shared_epmd: Epmd | None = None
    port: int = field(init=False, default=0)
    child: children.Child | None = field(init=False, default=None)
    _distribution_port: int = field(init=False, default=0)
    _management_port: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.log = self.home / "out.log"
        self._credentials = self.credentials or self.home
        self.epmd = self.shared_epmd or Epmd(self.home / "epmd.log")

    def url(self, vhost: str = "/") -> str:
        """Return the AMQP URL of ``vhost``, password included."""
        return f"amqp://shop:{self._password}@{ports.LOOPBACK}:{self.port}/{quote(vhost, safe='')}"

    @property
    def management_url(self) -> str:
        """Address of the management plugin's pages; empty without it."""
        return f"http://{ports.LOOPBACK}:{self._management_port}/" if self.has_management else ""

    @property
    def login(self) -> str:
        """User name and password of the pages."""
        return f"shop / {self._password}"

    def _launch(self, timeout: float) -> None:
        self.launch()
        self.wait_ready(timeout)

    def launch(self) -> None:
        """Start the node without waiting for it."""
        programs = rabbitmq_programs(self.programs_home)
        ownership.wait_for_predecessor(self.home / "pid", str(self.home))
        self._choose_ports()
        if not self.shared_epmd:
            self.epmd.start(programs.erlang / "epmd", preferred_port=self._distribution_port + 1)
        self._write_configuration()
        self.child = children.start_child(
            [programs.rabbitmq / "rabbitmq-server"],
            env=self._env(programs),
            log=self.log,
            parent_death_signal=signal.SIGTERM,
            cwd=self.home,
        )
        (self.home / "pid").write_text(str(self.child.pid))

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until the launched node accepts connections. Raises ServerFailed if it does not."""
        if not self.child:
            raise ServerFailed("RabbitMQ", "was not launched", self.log)
        ownership.wait_until_ready(
            "RabbitMQ", self.child, self.answers_handshake, log=self.log, timeout=timeout
        )

    def stop(self) -> None:
        """Shut down the node cleanly, and its private epmd."""
        if self.child:
            children.stop_children([self.child], grace=30)
        self._stop_epmd()

    def kill(self) -> None:
        """Kill the node, and its private epmd."""
        super().kill()
        self._stop_epmd()

    def erase(self) -> None:
        """Remove all data."""
        ownership.erase(self.home, self.home / "pid", str(self.home))

    def control(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` on the node, which takes a second or two, and return its output."""
        programs = rabbitmq_programs(self.programs_home)
        argv: list[str | Path] = [programs.rabbitmq / "rabbitmqctl", "--quiet", *arguments]
        done = subprocess.run(
            argv,
            env=self._env(programs),
            cwd=self.home,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise ServerFailed("rabbitmqctl", f"{arguments[0]} failed: {done.stderr.strip()}", self.log)
        return done.stdout

    def add_vhost(self, name: str) -> str:
        """Create the virtual host ``name`` and return its URL."""
        self.control("add_vhost", name)
        self.control("set_permissions", "-p", name, "shop", ".*", ".*", ".*")
        return self.url(name)

    @property
    def _password(self) -> str:
        return (self._credentials / "password").read_text()

    def _choose_ports(self) -> None:
        """Keep the AMQP port if it is free; the distribution port may change."""
        self.port = ports.pick(self.port or self.preferred_port)
        self._distribution_port = ports.pick(self.port + 1)
        if self.has_management:
            self._management_port = ports.pick(self._management_port or _MANAGEMENT_PORT)

    def _write_configuration(self) -> None:
        for name in ("mnesia", "log", "schema", "config"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        for secret in (self._credentials / "home" / ".erlang.cookie", self._credentials / "password"):
            if not secret.exists():
                make_private_file(secret, secrets.token_urlsafe(24))
        settings = {
            "listeners.tcp.1": f"{ports.LOOPBACK}:{self.port}",
            "default_user": "shop",
            "default_pass": self._password,
            "log.console": "false",
            "disk_free_limit.absolute": "50MB",
            "vm_memory_high_watermark.absolute": "1GB",
            **self._management_settings(),
            **self.settings,
        }
        text = "".join(f"{name} = {value}\n" for name, value in settings.items())
        make_private_file(self.home / "rabbitmq.conf", text)
        plugins = "rabbitmq_management" if self.has_management else ""
        (self.home / "enabled_plugins").write_text(f"[{plugins}].\n")

    def _management_settings(self) -> dict[str, str]:
        if not self.has_management:
            return {}
        return {
            "management.tcp.ip": ports.LOOPBACK,
            "management.tcp.port": str(self._management_port),
        }

    def _env(self, programs: RabbitPrograms) -> dict[str, str]:
        home = self.home
        return {
            "PATH": f"{programs.erlang}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "LANG": "C.UTF-8",
            "HOME": str(self._credentials / "home"),  # of the Erlang cookie
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",  # /etc is for the system's node
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "config"),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(home / "feature_flags"),
            "RABBITMQ_PID_FILE": str(home / "node.pid"),
            # Erlang's distribution listens on all interfaces by default.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            # Makes the start script exec the broker instead of forking it.
            "RUNNING_UNDER_SYSTEMD": "true",
            **self.epmd.environment(),
        }

    def _stop_epmd(self) -> None:
        if not self.shared_epmd:
            self.epmd.stop()

    def answers_handshake(self) -> bool:
        """Return True if the broker answers an AMQP handshake; its port opens earlier than that."""
        try:
            with socket.create_connection((ports.LOOPBACK, self.port), 0.5) as connection:
                connection.sendall(_AMQP_HELLO)
                return connection.recv(1) == _METHOD_FRAME
        except OSError:
            return False
