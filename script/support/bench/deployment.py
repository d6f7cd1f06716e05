"""The shop as script/run starts it, apart from it: a database, a broker and a folder for measuring only."""

import json
import sys
from pathlib import Path
from typing import Any

import psycopg

from script.support import children, ports, programs
from script.support.api import Api
from script.support.bench.servers import HOME
from script.support.console import errors
from script.support.errors import ServerFailed
from script.support.infrastructure import check_broker
from script.support.processes import Program, Supervisor

#: Products in the catalogue, with more stock than will be ordered.
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
_WEB_PORT = 19400
_CUSTOMERS = {f"customer{n}": f"Customer {n}" for n in range(20)}
SKUS = [str(product["sku"]) for product in _PRODUCTS]


class Deployment:
    """Web server, relay, scheduler and a worker for each app. Leaving it stops them all."""

    def __init__(self, name: str, *, database_url: str, broker_url: str) -> None:
        self.home, self._broker_url = HOME / name, broker_url
        self._supervisor = Supervisor(self.home / "log", report=_report)
        common = programs.environment(database_url=database_url, broker_url=broker_url)
        self.env = {**common, "EMAIL_FILE_PATH": str(self.home / "mail")}
        self.session = psycopg.connect(database_url, autocommit=True)

    def __enter__(self) -> "Deployment":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._supervisor.stop()
        self.session.close()

    def what_runs(self) -> list[Program]:
        """The programs that make up the shop."""
        return [
            programs.web(self.env, port=self.port),
            *programs.workers(self.env, home=self.home),
            programs.scheduler(self.env, home=self.home),
        ]

    def customers(self) -> list[Api]:
        """The REST API as each of the customers sees it."""
        tokens = json.loads((self.home / "tokens.json").read_text())
        return [Api(self.port, token) for token in tokens.values()]

    def pids(self) -> dict[str, int]:
        """The process of each program."""
        return {program.name: self._supervisor[program.name].child.pid for program in self._programs}

    def tend(self) -> None:
        """Start again what has crashed, and say so."""
        self._supervisor.tend()

    def sleep(self, seconds: float) -> None:
        self._supervisor.sleep(seconds)

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the database answers to ``query``."""
        return self.session.execute(query.encode(), parameters).fetchall()

    def audit(self) -> None:
        """Prove that all is done and the books balance; :class:`ServerFailed` if not."""
        self._manage("audit", "--idle")

    def _start(self) -> None:
        check_broker(self._broker_url)
        self.home.mkdir(parents=True)
        wanted = {"products": _PRODUCTS, "customers": _CUSTOMERS, "reason": "for measuring"}
        (self.home / "wanted.json").write_text(json.dumps(wanted))
        self._manage("migrate", "--no-input", "--skip-checks")
        tokens = self.home / "tokens.json"
        self._manage("import_catalogue", self.home / "wanted.json", "--tokens", tokens)
        self.port = ports.pick(_WEB_PORT)
        self._programs = self.what_runs()
        self._supervisor.start(*self._programs)
        self._supervisor.wait_ready()

    def _manage(self, command: str, *arguments: str | Path) -> None:
        log = self.home / "log" / f"{command}.log"
        child = children.start_child(
            [sys.executable, "manage.py", command, *arguments], env=self.env, log=log
        )
        if code := child.wait():
            raise ServerFailed(command, f"failed with exit code {code}", log)


def _report(notice: str) -> None:
    errors.print(notice, markup=False, soft_wrap=True)
