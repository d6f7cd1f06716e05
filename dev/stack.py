"""A complete shop on this machine: servers, database tables and programs."""

import contextlib
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from dev.console import ignore_signals
from dev.paths import LOGS, VAR, make_private_file
from dev.processes import programs
from dev.processes.metrics import metrics_of, with_metrics
from dev.processes.monitoring import monitoring
from dev.processes.ports import LOOPBACK, pick
from dev.processes.supervisor import Supervisor
from dev.servers.infrastructure import EMBEDDED, Infrastructure

#: Ports of the monitoring, if they are free.
_PROMETHEUS_PORT, _ALERTMANAGER_PORT = 9090, 9093
#: Environment variables for manage.py beside a running shop.
_EXPORTED = (
    "DATABASE_URL",
    "SHOP_ADMIN_DATABASE_URL",
    "CELERY_BROKER_URL",
    "SHOP_EVENT_BUS",
    "DJANGO_SECRET_KEY",
    "SHOP_URL",
    "SHOP_ENDPOINT_NETWORKS",
)


class Stack:
    """Context manager of a running shop. Leaving it stops everything in order."""

    def __init__(
        self,
        *,
        port: int,
        event_bus: str = EMBEDDED,
        one_worker: bool = False,
        feed: bool = False,
        given: Mapping[str, str] = os.environ,
        report: Callable[[str], None],
    ) -> None:
        self.port = port
        self.infrastructure = Infrastructure("data", event_bus=event_bus, given=given)
        self.supervisor = Supervisor(LOGS, report=report)
        #: User names and passwords, one line each.
        self.logins: list[str] = []
        #: Addresses of the programs' metrics.
        self.metrics: dict[str, str] = {}
        self._one_worker = one_worker
        self._feed_port = pick(port + 1) if feed else 0
        self._stack = contextlib.ExitStack()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *exc_info: object) -> None:
        ignore_signals()  # a second Ctrl-C must not interrupt the orderly shutdown
        self._stack.close()

    def start(self, say: Callable[[str], None]) -> None:
        """Start everything and wait until it is ready, reporting each step to ``say``."""
        LOGS.mkdir(parents=True, exist_ok=True)
        LOGS.chmod(0o700)  # a folder from before
        if data := self.infrastructure.data:
            programs.provide_key(data)
        say("Starting the servers ...")
        self._stack.enter_context(self.infrastructure)
        servers = self.infrastructure
        if servers.notice:
            say(servers.notice)
        self.env = programs.environment(
            database_url=servers.database_url,
            broker_url=servers.broker_url,
            event_bus_url=servers.event_bus_url,
        )
        self.env.setdefault("SHOP_URL", self.url)
        self.env.setdefault("EMAIL_BACKEND", "notifications.simulator.EmailBackend")
        self.env.setdefault("SHOP_RABBITMQ_MANAGEMENT_URL", servers.management[0])
        if self._feed_port:
            self.env["SHOP_FEED"] = f"{LOOPBACK}:{self._feed_port}"
        self.env.setdefault("SHOP_ENDPOINT_NETWORKS", "127.0.0.0/8,::1/128")  # receivers on this machine
        say("Preparing the database ...")
        self.logins = self._prepare(servers.admin_database_url)
        say("Starting web server, relay and workers ...")
        self._stack.enter_context(self.supervisor)
        started = with_metrics(
            [
                programs.web(self.env, port=self.port),
                programs.scheduler(self.env),
                *programs.workers(self.env, one_for_all=self._one_worker),
            ]
        )
        self.metrics = metrics_of(started)
        self._programs = [program.name for program in started]
        self.supervisor.start(*started)
        self.supervisor.wait_ready()
        if self._feed_port:  # no order waits for it, so neither does the start
            feed = programs.feed(self.env, port=self._feed_port)
            self._programs.append(feed.name)
            self.supervisor.start(feed)

    def reload(self, changed: Collection[Path]) -> None:
        """Restart all programs of the shop; before that, migrate if a migration was changed."""
        if any(path.parent.name == "migrations" for path in changed):
            env = {**self.env, "SHOP_ADMIN_DATABASE_URL": self.infrastructure.admin_database_url}
            arguments = ("manage.py", "migrate", "--no-input", "--skip-checks")
            programs.run_python(env, *arguments, log=LOGS / "migrate.log")
        self.supervisor.restart(*self._programs)
        self.supervisor.wait_ready()

    def start_monitoring(self) -> tuple[str, str]:
        """Start Prometheus and Alertmanager, and return their URLs."""
        chosen = pick(_PROMETHEUS_PORT), pick(_ALERTMANAGER_PORT)
        self.supervisor.start(*monitoring(self.metrics, home=VAR / "monitoring", ports=chosen))
        self.supervisor.wait_ready()
        prometheus, alertmanager = (f"http://{LOOPBACK}:{port}" for port in chosen)
        return prometheus, alertmanager

    def _prepare(self, admin_url: str) -> list[str]:
        """Create tables and demonstration data as the owner, and return the logins."""
        env, log = {**self.env, "SHOP_ADMIN_DATABASE_URL": admin_url}, LOGS / "prepare.log"
        _write_environment(env)
        programs.run_python(env, "-m", "dev.run.prepare", log=log)
        return _logins(log.read_text())

    def token_of(self, username: str) -> str:
        """Return the API token of one of the logins."""
        login = next(one for one in self.logins if one.split()[0] == username)
        return login.partition("API token ")[2].split()[0]

    def tend(self) -> None:
        """Check the servers and restart crashed programs. Call it often."""
        self.infrastructure.check()
        self.supervisor.tend()

    def run_python(self, *arguments: str | Path, name: str) -> Path:
        """Run Python in the shop's environment and return the log; ServerFailed quotes its end."""
        log = LOGS / f"{name}.log"
        programs.run_python(self.env, *arguments, log=log)
        return log


def _logins(output: str) -> list[str]:
    """Return the logins that ``manage.py seed`` printed."""
    return [line.strip() for line in output.partition("Log in as:")[2].splitlines() if line.strip()]


def _write_environment(env: Mapping[str, str]) -> None:
    lines = [f"export {name}='{env[name]}'\n" for name in _EXPORTED]
    make_private_file(VAR / "environment", "".join(lines))
