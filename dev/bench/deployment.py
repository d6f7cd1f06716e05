"""Deployment of relay and workers with a database, a broker and a folder for measurements."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from dev.bench import layouts
from dev.bench.layouts import Layout
from dev.bench.servers import HOME, EventBusServer
from dev.console import errors
from dev.errors import ServerFailed
from dev.processes import children, programs
from dev.processes.metrics import with_metrics
from dev.processes.supervisor import Program, Supervisor
from dev.servers.infrastructure import KAFKA, RABBITMQ, SERVICE_BUS, check_broker
from dev.servers.postgres import Postgres
from dev.servers.rabbitmq import RabbitMQ

BROKERS = ("rabbitmq", "embedded")
#: With those that are measured only if they are asked for.
EVENT_BUSES = (*BROKERS, KAFKA, SERVICE_BUS)
#: Products with more stock than is ordered.
_PRODUCTS = [
    {
        "sku": f"BENCH-{n:03}",
        "name": f"Product {n}",
        "price": "12.50",
        "currency": "EUR",
        "needed": 10_000_000,
    }
    for n in range(100)
]
_CUSTOMERS = {f"customer{n}": f"Customer {n}" for n in range(20)}
_SKUS = [str(product["sku"]) for product in _PRODUCTS]


class Deployment:
    """Context manager of relay and workers in a layout, to be entered any number of times."""

    #: Tracking once an hour, as in production, and so not during a measurement.
    settings: Mapping[str, str] = {"SHOP_TRACKING_INTERVAL_SECONDS": "3600"}

    def __init__(
        self,
        name: str,
        *,
        database_url: str,
        broker_url: str,
        event_bus_url: str = "",
        layout: Layout = layouts.DEFAULT,
        metrics: bool = False,
    ) -> None:
        self._has_metrics = metrics
        self.name, self.home, self._layout = f"shop on {name}", HOME / name, layout
        self.database_url, self._broker_url = database_url, broker_url
        self._supervisor = Supervisor(self.home / "log", report=_report)
        self.env = {
            **programs.environment(
                database_url=database_url, broker_url=broker_url, event_bus_url=event_bus_url
            ),
            "EMAIL_FILE_PATH": str(self.home / "mail"),
            **self.settings,
        }

    def prepare(self) -> None:
        """Create tables, catalogue and customers; called once."""
        check_broker(self._broker_url)
        self.home.mkdir(parents=True)
        wanted = {"products": _PRODUCTS, "customers": _CUSTOMERS, "reason": "for measuring"}
        (self.home / "wanted.json").write_text(json.dumps(wanted))
        self.manage("migrate", "--no-input", "--skip-checks")
        options = ("--tokens", self.tokens, "--without-limits")
        self.manage("import_catalogue", self.home / "wanted.json", *options)
        self.skus.write_text(json.dumps(_SKUS))

    def __enter__(self) -> "Deployment":
        self.session = psycopg.connect(self.database_url, autocommit=True)
        try:
            self._programs = self.programs_to_run()
            self._supervisor.start(*self._programs)
            self._supervisor.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._supervisor.stop()
        self.session.close()

    def programs_to_run(self) -> Sequence[Program]:
        """Return the programs of the shop, each time it is entered."""
        programs = self._layout.programs(self.env, home=self.home)
        return with_metrics(programs) if self._has_metrics else programs

    @property
    def tokens(self) -> Path:
        """File of the customers' API tokens."""
        return self.home / "tokens.json"

    @property
    def skus(self) -> Path:
        """File of the SKUs."""
        return self.home / "skus.json"

    def pids(self) -> dict[str, int]:
        """Return the main process of each program."""
        return {program.name: self._supervisor[program.name].child.pid for program in self._programs}

    def sleep(self, seconds: float) -> None:
        """Sleep, restarting programs that crash meanwhile."""
        self._supervisor.sleep(seconds)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Query the database."""
        return self.session.execute(query.encode(), parameters).fetchall()

    def start_placing(self, *, orders: int, threads: int, rate: float = 0.0, seed: int = 0) -> children.Child:
        """Start a process that places orders; see :mod:`dev.bench.placing`."""
        plan = {"orders": orders, "threads": threads, "rate": rate, "seed": seed, "skus": _SKUS}
        argv = [sys.executable, "-m", "dev.bench.placing", json.dumps(plan)]
        return children.start_child(argv, env=self.env, log=self.placing_log)

    @property
    def placing_log(self) -> Path:
        return self.home / "log" / "placing.log"

    def manage(self, command: str, *arguments: str | Path) -> None:
        """Run a management command. Raises ServerFailed if it fails."""
        log = self.home / "log" / f"{command}.log"
        programs.run_python(self.env, "manage.py", command, *arguments, log=log)


def deployment_on(
    event_bus: str,
    postgres: Postgres,
    layout: Layout,
    *,
    rabbitmq: RabbitMQ | None = None,
    bus: EventBusServer | None = None,
    metrics: bool = False,
) -> Deployment:
    """Return the shop on an event bus: the given server, or a database of the same PostgreSQL."""
    name = f"{event_bus} with metrics" if metrics else event_bus
    return Deployment(
        name,
        layout=layout,
        metrics=metrics,
        database_url=postgres.create_database(f"bench_{name.replace(' ', '_')}"),
        broker_url=rabbitmq.url() if rabbitmq and event_bus == RABBITMQ else embedded_broker(postgres),
        event_bus_url=bus.url() if bus else "",
    )


def embedded_broker(postgres: Postgres) -> str:
    """Create a database for the embedded broker and return its URL."""
    return postgres.create_database("bench_broker").replace("postgresql://", "pgmq://", 1)


def check_placed(child: children.Child, log: Path) -> None:
    """Raise ServerFailed if the process that places orders has failed."""
    if children.has_ended(child) and (code := child.wait()):
        raise ServerFailed("placing orders", f"failed with exit code {code}", log)


def _report(notice: str) -> None:
    errors.print(notice, markup=False, soft_wrap=True)
