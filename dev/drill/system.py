"""System under test: a shop of real processes whose database is destroyed, and providers that go on."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psycopg

from dev.console import ignore_signals
from dev.drill.runbook import steps
from dev.errors import ScriptError
from dev.faults.mailbox import Mailbox
from dev.load import accounts, scenarios
from dev.load.api import Api
from dev.paths import ROOT, VAR
from dev.processes import children, ports, programs
from dev.processes.supervisor import Supervisor
from dev.servers.infrastructure import ROLE, private_rabbitmq
from dev.servers.postgres import Postgres
from dev.servers.rabbitmq import RabbitMQ
from dev.temporary import temporary_folder
from shop.settings import CONTEXTS

CUSTOMERS = {f"customer{n}": f"Customer {n}" for n in range(4)}
#: Customer who is forgotten after the backup.
ZOE = "zoe"
SKUS = [f"DRILL-{n:02}" for n in range(10)]
HOME = VAR / "drill" / "programs"
FOLDER = "drill"
#: Ports that no shop, benchmark or test on this machine prefers.
_RABBITMQ_PORT, _MAIL_PORT, _WEB_PORT = 24672, 22000, 25400
#: Settings that shorten the shop's waiting times.
_FAST = {
    "SHOP_TRACKING_INTERVAL_SECONDS": "0.5",
    "SHOP_REFUND_CHECK_INTERVAL_SECONDS": "0.5",
    "SHOP_DOCTOR_GRACE_SECONDS": "2",
}
#: Tables that stand for the books of other companies: they outlive the shop's database.
_PROVIDERS = ("payments_simulatedcharge", "payments_simulatedrefund", "shipping_simulatedlabel")


class System:
    """Context manager of the system. Leaving it stops everything."""

    def __init__(self, postgres: Postgres, report: Callable[[str], None]) -> None:
        self.postgres: Postgres = postgres
        self.rabbitmq: RabbitMQ = private_rabbitmq(FOLDER)
        self.rabbitmq.preferred_port = _RABBITMQ_PORT
        self._report = report
        self._stack = contextlib.ExitStack()
        self._books: dict[str, bytes] = {}
        #: Names of the runbook's steps that were run.
        self.steps_run: set[str] = set()

    def __enter__(self) -> "System":
        return self

    def __exit__(self, *exc_info: object) -> None:
        ignore_signals()  # a second Ctrl-C must not interrupt the shutdown
        self._stack.close()

    def start(self) -> None:
        """Start everything on empty servers."""
        folder = self._stack.enter_context(temporary_folder(FOLDER))
        shutil.rmtree(HOME, ignore_errors=True)
        self.mailbox = self._stack.enter_context(Mailbox(_MAIL_PORT))
        for server in (self.rabbitmq, self.postgres):
            server.erase()
            self._stack.callback(server.stop)
        self.rabbitmq.start()
        self.make_database()
        self.env = {
            **programs.environment(
                database_url=self.postgres.url("shop", ROLE), broker_url=self.rabbitmq.url()
            ),
            "EMAIL_BACKEND": "notifications.smtp.EmailBackend",
            "EMAIL_HOST": ports.LOOPBACK,
            "EMAIL_PORT": str(self.mailbox.port),
            "SHOP_ERASURES_FILE": str(HOME / "erasures"),
            "TMPDIR": str(folder),
            **_FAST,
        }
        self.run("manage.py migrate --no-input --skip-checks")
        self.tokens = accounts.provide(
            self, products=_products(), customers={**CUSTOMERS, ZOE: "Zoe Zebulon"}, reason="for a drill"
        )
        self.start_programs()

    def make_database(self) -> None:
        """Start PostgreSQL with the two roles and an empty database."""
        self.postgres.start()
        self.postgres.create_role(ROLE)
        self.postgres.create_database("shop")

    def start_programs(self) -> None:
        """Start web server, relay and a worker for all apps."""
        self._find_servers()
        self.web_port = ports.pick(_WEB_PORT)
        self.supervisor = Supervisor(HOME / "log", report=self._report)
        self._stack.callback(self.supervisor.kill)
        self.supervisor.start(
            programs.web(self.env, port=self.web_port),
            programs.worker(self.env, programs.RELAY, [programs.RELAY], home=HOME),
            programs.worker(self.env, "apps", CONTEXTS, home=HOME, processes=2),
        )
        self.supervisor.wait_ready()

    def _find_servers(self) -> None:
        """Note where the servers are: one that was started again may have another port."""
        self.env["DATABASE_URL"] = self.postgres.url("shop", ROLE)
        self.env["CELERY_BROKER_URL"] = self.rabbitmq.url()

    def kill(self, name: str) -> None:
        """Kill a program for good, as with its machine."""
        children.kill_child(self.supervisor[name].child)

    @property
    def api(self) -> Api:
        """The REST API, with a short timeout."""
        return Api(self.web_port, timeout=10.0)

    # --- The disaster ---

    def lose(self, *, broker: bool) -> None:
        """Kill all programs and destroy the database, and the broker if asked to. The providers go on."""
        self.supervisor.kill()
        with self.session() as session:
            for table in _PROVIDERS:
                with session.cursor().copy(f"copy {table} to stdout".encode()) as copy:
                    self._books[table] = b"".join(bytes(part) for part in copy)
        self.postgres.kill()
        shutil.rmtree(self.postgres.data)
        if broker:
            self.rabbitmq.kill()
            self.rabbitmq.erase()
            self.rabbitmq.start()

    def bring_providers(self) -> None:
        """Put the providers' books as they stand into the restored database, which has older ones."""
        with self.session() as session:
            session.execute(f"truncate {', '.join(_PROVIDERS)} cascade".encode())
            for table, rows in self._books.items():
                with session.cursor().copy(f"copy {table} from stdin".encode()) as copy:
                    copy.write(rows)

    # --- Commands ---

    def run_step(
        self,
        name: str,
        variables: Mapping[str, str] | None = None,
        *,
        check: bool = True,
        as_server: bool = False,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a step of the runbook to its end; ScriptError if it fails."""
        self.steps_run.add(name)
        return self.run(steps()[name], variables, check=check, as_server=as_server)

    def run(
        self,
        commands: str,
        variables: Mapping[str, str] | None = None,
        *,
        check: bool = True,
        as_server: bool = False,
    ) -> "subprocess.CompletedProcess[str]":
        """Run shell commands as an administrator does, in the environment of ``manage.py migrate``."""
        self._find_servers()
        script = f'manage.py() {{ "{sys.executable}" manage.py "$@"; }}\n{commands}'
        env = {
            **self.env,
            "SHOP_ADMIN_DATABASE_URL": self.postgres.url("shop"),
            "PATH": f"{self.postgres.programs()}:{os.environ['PATH']}",
            "USER": "drill",
            **(variables or {}),
        }
        argv = ["bash", *(["-e"] if check else []), "-c", script]
        user = children.unprivileged_user() if as_server else None
        done = subprocess.run(
            argv,
            cwd="/" if as_server else ROOT,
            env=env,
            capture_output=True,
            text=True,
            check=False,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        if check and done.returncode:
            raise ScriptError(f"{commands.strip()}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done

    def run_python(self, *arguments: str | Path, name: str) -> Path:
        """Run Python in the shop's environment and return the log; ServerFailed quotes its end."""
        log = HOME / "log" / f"{name}.log"
        programs.run_python(self.env, *arguments, log=log)
        return log

    def session(self) -> "psycopg.Connection[tuple[Any, ...]]":
        """Open a session as the owner."""
        return psycopg.connect(self.postgres.url("shop"), connect_timeout=5)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Query the database."""
        with self.session() as session:
            return session.execute(query.encode(), parameters).fetchall()


def _products() -> list[Mapping[str, Any]]:
    stock = {**dict.fromkeys(SKUS, 1_000_000), scenarios.SOLD_OUT_SKU: 0}
    return [
        {"sku": sku, "name": sku.title(), "price": "9.90", "currency": "EUR", "needed": needed}
        for sku, needed in stock.items()
    ]
