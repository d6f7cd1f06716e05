"""A real shop for a test: web server, relay and workers as real processes, to use, to hurt and to audit."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from script.support import children, ports, programs
from script.support.api import Api
from script.support.paths import ROOT
from script.support.processes import Program, Supervisor
from shop.settings import CONTEXTS
from tests.support.servers import Broker

#: The worker with the relay, and the one that serves all apps.
RELAY, APPS = programs.RELAY, "apps"
CUSTOMERS = {"ada": "Ada Lovelace", "grace": "Grace Hopper"}
PLENTY = 1_000_000
#: SKU -> how many there are.
STOCK = {"MUG-BLUE": PLENTY, "TEAPOT": PLENTY, "LAST-ONE": 1, "SOLD-OUT": 0}
#: Everything that takes its time in the shop takes little of it.
HASTE = {"SHOP_TRACKING_INTERVAL_SECONDS": "0.2", "SHOP_REFUND_CHECK_INTERVAL_SECONDS": "0.2"}


def prepare_database(database_url: str, home: Path) -> dict[str, str]:
    """Make tables, a small catalogue and two customers in a database; return the customers' API tokens."""
    env = programs.environment(database_url=database_url, broker_url="memory://")
    products = [
        {"sku": sku, "name": sku.title(), "price": "12.50", "currency": "EUR", "needed": count}
        for sku, count in STOCK.items()
    ]
    wanted, tokens = home / "wanted.json", home / "tokens.json"
    wanted.write_text(json.dumps({"products": products, "customers": CUSTOMERS, "reason": "for the tests"}))
    _manage(env, "migrate", "--no-input", "--skip-checks")
    _manage(env, "import_catalogue", str(wanted), "--tokens", str(tokens))
    found: dict[str, str] = json.loads(tokens.read_text())
    return found


class Deployment:
    """Use it as a context manager: leaving it ends all its processes."""

    def __init__(
        self,
        *,
        database_url: str,
        broker: Broker,
        tokens: dict[str, str],
        home: Path,
        one_worker_each: bool = False,
        **settings: str,
    ) -> None:
        """``settings`` are environment variables of the shop, on top of :data:`HASTE`."""
        self.database_url, self.broker, self.tokens, self.home = database_url, broker, tokens, home
        self.port = ports.pick(18000)
        self.notices: list[str] = []
        self.supervisor = Supervisor(home / "log", report=self.notices.append)
        self._one_worker_each = one_worker_each
        common = programs.environment(database_url=database_url, broker_url=broker.url)
        self.env = {**common, "EMAIL_FILE_PATH": str(home / "mail"), **HASTE, **settings}

    def __enter__(self) -> "Deployment":
        try:
            self.supervisor.start(programs.web(self.env, port=self.port), *self._workers())
            self.supervisor.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.supervisor.kill()
        if any(exc_info):
            for log in sorted((self.home / "log").glob("*.log")):
                print(f"--- {log.name}\n{log.read_text()[-5000:]}")

    def _workers(self) -> list[Program]:
        if self._one_worker_each:
            return programs.workers(self.env, home=self.home)
        return [
            programs.worker(self.env, RELAY, [RELAY], home=self.home),
            programs.worker(self.env, APPS, CONTEXTS, home=self.home),
        ]

    # --- What customers do ---

    def api(self, customer: str = "ada") -> Api:
        """The REST API as a customer sees it."""
        return Api(self.port, self.tokens[customer])

    def place_order(
        self,
        *lines: tuple[str, int],
        customer: str = "ada",
        payment_method: str = "pm_card_visa",
        street: str = "Karl-Liebknecht-Straße 7",
    ) -> UUID:
        """Place an order of (SKU, quantity), by default of a blue mug, and return its id."""
        address = {"name": "Ada Lovelace", "street": street, "city": "Berlin", "postal_code": "10178"}
        body = {
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines or [("MUG-BLUE", 1)]],
            "payment_method": payment_method,
            "ship_to": {**address, "country": "DE"},
        }
        return UUID(self.api(customer).post("/api/v1/orders", body)["id"])

    def cancel_order(self, order_id: UUID, *, customer: str = "ada") -> None:
        self.api(customer).post(f"/api/v1/orders/{order_id}/cancel", {})

    # --- What can be seen ---

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the database answers to ``query``."""
        with psycopg.connect(self.database_url, autocommit=True) as session:
            return session.execute(query.encode(), parameters).fetchall()

    def statuses(self, order_ids: Iterable[UUID]) -> dict[UUID, str]:
        rows = self.rows("select id, status from orders_order where id = any(%s)", list(order_ids))
        return dict(rows)

    def events(self, order_id: UUID) -> list[str]:
        """The names of the order's events so far."""
        query = "select type from messaging_eventrecord where aggregate_id = %s order by sequence"
        return [kind.split(".")[1] for (kind,) in self.rows(query, order_id)]

    def wait_until(self, condition: Callable[[], object], *, within: float = 30.0, what: str = "") -> None:
        """Let the shop work, crashed processes being started again, until ``condition()`` is true."""
        deadline = time.monotonic() + within
        while not (seen := condition()):
            assert time.monotonic() < deadline, f"not within {within:.0f} s: {what or 'condition'} ({seen!r})"
            self.supervisor.sleep(0.05)

    def wait_for_status(self, order_ids: Iterable[UUID], *status: str, within: float = 60.0) -> None:
        """Wait until each order has one of these statuses."""
        waiting = set(order_ids)

        def all_there() -> bool:
            found = self.statuses(waiting)
            waiting.difference_update(order_id for order_id in found if found[order_id] in status)
            return not waiting

        self.wait_until(all_there, within=within, what=f"{len(waiting)} orders {' or '.join(status)}")

    def audit(self, *, within: float = 30.0) -> None:
        """Fail with what the audit finds, unless it holds once all has settled."""
        deadline = time.monotonic() + within
        while (done := _run(self.env, "audit")).returncode:
            assert time.monotonic() < deadline, done.stdout + done.stderr
            self.supervisor.sleep(0.5)

    # --- What can go wrong ---

    def main_process(self, name: str) -> int:
        """The process id of a program: ``web``, ``messaging`` (the relay), ``apps``."""
        return self.supervisor[name].child.pid

    def pool_processes(self, name: str) -> list[int]:
        """The process ids of what a program has started."""
        pid = self.main_process(name)
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def kill_worker(self, name: str = APPS) -> None:
        """Kill -9 a worker's main process. It is started again when time passes."""
        children.send(self.supervisor[name].child, signal.SIGKILL)

    def kill_worker_child(self, name: str = APPS) -> None:
        """Kill -9 the processes in which a worker runs its tasks."""
        for pid in self.pool_processes(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_relay(self) -> None:
        """Kill -9 the worker that relays. It is started again when time passes."""
        self.kill_worker(RELAY)


def _manage(env: dict[str, str], *arguments: str) -> None:
    done = _run(env, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def _run(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "manage.py", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
