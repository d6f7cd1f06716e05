"""Deployment of the shop for tests: web server, relay and workers as real processes."""

import contextlib
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from dev.load import providers
from dev.load.api import Api
from dev.processes import children, ports, programs
from dev.processes.metrics import metrics_of, with_metrics
from dev.processes.supervisor import Program, Supervisor
from shop.settings import CONTEXTS
from tests.support import forks
from tests.support.management import Done, ManagementCommands
from tests.support.servers import (
    Broker,
    EmbeddedBroker,
    RabbitBroker,
    admin_environment,
    as_running_role,
    fresh_database,
)

#: Names of the worker with the relay and of the worker that serves all apps.
RELAY, APPS = programs.RELAY, "apps"
CUSTOMERS = {"ada": "Ada Lovelace", "grace": "Grace Hopper"}
OPERATOR = "olga"
PLENTY = 1_000_000
#: Stock by SKU.
STOCK = {"MUG-BLUE": PLENTY, "TEAPOT": PLENTY, "LAST-ONE": 1, "SOLD-OUT": 0}
#: Short intervals for tests.
HASTE = {"SHOP_TRACKING_INTERVAL_SECONDS": "0.2", "SHOP_REFUND_CHECK_INTERVAL_SECONDS": "0.2"}


def prepare_database(database_url: str, home: Path) -> dict[str, str]:
    """Create a small catalogue and a few users in a database, and return their API tokens."""
    products = [
        {"sku": sku, "name": sku.title(), "price": "12.50", "currency": "EUR", "needed": count}
        for sku, count in STOCK.items()
    ]
    people = {**CUSTOMERS, OPERATOR: "Olga Operator"}
    wanted, tokens = home / "wanted.json", home / "tokens.json"
    wanted.write_text(json.dumps({"products": products, "customers": people, "reason": "for the tests"}))
    with ManagementCommands(admin_environment(database_url)) as commands:
        commands.check("import_catalogue", str(wanted), "--tokens", str(tokens), "--without-limits")
    with psycopg.connect(database_url) as session:
        rights = "is_staff = true, is_superuser = true"
        session.execute(f"update auth_user set {rights} where username = %s", [OPERATOR])
    found: dict[str, str] = json.loads(tokens.read_text())
    return found


@contextmanager
def shared_deployment(request: pytest.FixtureRequest, **options: Any) -> Iterator["Deployment"]:
    """Deployment for a fixture that several tests share. The fixture's parameter names the broker."""
    server_url: str = request.getfixturevalue("server_url")
    template, tokens = request.getfixturevalue("prepared")
    home: Path = request.getfixturevalue("tmp_path_factory").mktemp("shop")
    with fresh_database(server_url) as broker_url, fresh_database(server_url, template=template) as url:
        broker: Broker = (
            RabbitBroker(request.getfixturevalue("rabbitmq_node"))
            if request.param == "rabbitmq"
            else EmbeddedBroker(broker_url)
        )
        with Deployment(database_url=url, broker=broker, tokens=tokens, home=home, **options) as shop:
            yield shop
            shop.print_logs()


class Deployment:
    """Context manager of a shop's processes. Leaving it kills them."""

    def __init__(
        self,
        *,
        database_url: str,
        broker: Broker,
        tokens: dict[str, str],
        home: Path,
        one_worker_each: bool = False,
        workers: Mapping[str, Sequence[str]] | None = None,
        arguments: Mapping[str, Sequence[str]] | None = None,
        metrics: bool = False,
        **settings: str,
    ) -> None:
        """Configure the deployment. ``settings`` are environment variables on top of :data:`HASTE`.

        By default it has two workers, one with the relay and one for all apps. ``one_worker_each`` gives each
        app a worker, and ``workers`` maps names of workers to their queues. ``arguments`` are additional
        command-line arguments by name of worker. With ``metrics`` each program has an address for them.
        """
        self._has_metrics = metrics
        #: Addresses of the metrics by program.
        self.metrics: dict[str, str] = {}
        self.database_url, self.broker, self.tokens, self.home = database_url, broker, tokens, home
        #: Random: test runs that look for a free port at the same moment must not find the same one.
        self.port = ports.pick(random.randrange(18_000, 24_000))
        self.notices: list[str] = []
        self.supervisor = Supervisor(home / "log", report=self.notices.append, start_child=forks.start_child)
        self._arguments = arguments or {}
        each = {name: [name] for name in (RELAY, *CONTEXTS)}
        self._workers = workers or (each if one_worker_each else {RELAY: [RELAY], APPS: CONTEXTS})
        common = programs.environment(database_url=as_running_role(database_url), broker_url=broker.url)
        self.env = {
            **common,
            "EMAIL_FILE_PATH": str(home / "mail"),
            "SHOP_ERASURES_FILE": str(home / "erasures"),
            **HASTE,
            **settings,
        }
        self.commands = ManagementCommands(self.env)
        self._session: psycopg.Connection[tuple[Any, ...]] | None = None

    def __enter__(self) -> "Deployment":
        try:
            web = self._measured(programs.web(self.env, port=self.port))
            self.supervisor.start(web, *self._worker_programs())
            self.supervisor.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.commands.close()
        self._close_session()
        self.supervisor.kill()
        if any(exc_info):
            self.print_logs()

    def print_logs(self) -> None:
        """Print the end of each program's log, which pytest shows if the test fails."""
        for log in sorted((self.home / "log").glob("*.log")):
            print(f"--- {log.name}\n{log.read_text()[-5000:]}")

    def log(self, name: str) -> str:
        """Return all that a program has written."""
        return (self.home / "log" / f"{name}.log").read_text()

    def _worker_programs(self) -> list[Program]:
        return [self._worker(name, queues) for name, queues in self._workers.items()]

    def _worker(self, name: str, queues: Sequence[str], *arguments: str) -> Program:
        program = programs.worker(self.env, name, list(queues), home=self.home)
        return self._measured(
            replace(program, argv=(*program.argv, *self._arguments.get(name, ()), *arguments))
        )

    def _measured(self, program: Program) -> Program:
        """Return the program with the address of its metrics, the same at each start."""
        if not self._has_metrics:
            return program
        if program.name not in self.metrics:
            [with_address] = with_metrics([program], first_port=random.randrange(24_000, 30_000))
            self.metrics |= metrics_of([with_address])
        return replace(program, env={**program.env, "SHOP_METRICS": self.metrics[program.name]})

    # --- Operators ---

    def start_worker(self, name: str, queues: Sequence[str], *arguments: str) -> None:
        """Start another worker with additional command-line ``arguments``."""
        self.supervisor.start(self._worker(name, queues, *arguments))
        self.supervisor.wait_ready()

    def stop_workers(self, *names: str) -> None:
        """Stop workers until start_workers()."""
        stopped = [self.supervisor[name] for name in names]
        for one in stopped:
            self.supervisor._supervised.remove(one)  # no public call stops one program alone
        late = children.stop_children([one.child for one in stopped], grace=60)
        assert not late, f"some of {names} did not stop"

    def start_workers(self, *names: str) -> None:
        """Restart workers that were stopped."""
        self.supervisor.start(*(self._worker(name, self._workers[name]) for name in names))
        self.supervisor.wait_ready()

    def break_gateway(
        self, kind: str, operation: str = "", *, seconds: float = 0, calls: int | None = None
    ) -> None:
        """Make the payment gateway fail with ``outage``, ``timeout`` or ``slow``."""
        providers.break_gateway(self.database_url, kind, operation, seconds=seconds, calls=calls)

    def break_carrier(
        self, kind: str, operation: str = "", *, seconds: float = 0, calls: int | None = None
    ) -> None:
        """Make the carrier fail with ``outage``, ``timeout`` or ``slow``."""
        providers.break_carrier(self.database_url, kind, operation, seconds=seconds, calls=calls)

    def mend_providers(self) -> None:
        """End all faults of gateway and carrier."""
        providers.mend_gateway(self.database_url)
        providers.mend_carrier(self.database_url)

    # --- Customers ---

    def api(self, customer: str = "ada") -> Api:
        """Return a REST client for a customer."""
        return Api(self.port, self.tokens[customer])

    def place_order(
        self,
        *lines: tuple[str, int],
        customer: str = "ada",
        payment_method: str = "pm_card_visa",
        street: str = "Karl-Liebknecht-Straße 7",
        idempotency_key: str = "",
        retry_payment: bool = False,
    ) -> UUID:
        """Place an order of ``lines`` (SKU, quantity), by default of a blue mug, and return its id."""
        headers = {"Idempotency_Key": idempotency_key} if idempotency_key else {}
        address = {"name": "Ada Lovelace", "street": street, "city": "Berlin", "postal_code": "10178"}
        body = {
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines or [("MUG-BLUE", 1)]],
            "payment_method": payment_method,
            "retry_payment": retry_payment,
            "ship_to": {**address, "country": "DE"},
        }
        return UUID(self.api(customer).post("/api/v1/orders", body, **headers)["id"])

    def cancel_order(self, order_id: UUID, *, customer: str = "ada") -> None:
        self.api(customer).post(f"/api/v1/orders/{order_id}/cancel", {})

    # --- Observation ---

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self._execute(query, parameters).fetchall()

    def execute(self, query: str, *parameters: object) -> None:
        """Execute a statement on the database, unnoticed by the shop."""
        self._execute(query, parameters)

    def _execute(self, query: str, parameters: Sequence[object]) -> psycopg.Cursor[tuple[Any, ...]]:
        """Execute a query on a lasting session, or on a new one if a fault has ended it."""
        try:
            return self._open_session().execute(query.encode(), parameters)
        except psycopg.OperationalError:
            self._close_session()
            return self._open_session().execute(query.encode(), parameters)

    def _open_session(self) -> psycopg.Connection[tuple[Any, ...]]:
        self._session = self._session or psycopg.connect(
            self.database_url, autocommit=True, prepare_threshold=None
        )
        return self._session

    def _close_session(self) -> None:
        if self._session:
            self._session.close()
            self._session = None

    @contextmanager
    def holding(self, statement: str, *parameters: object) -> Iterator[list[tuple[Any, ...]]]:
        """Hold the locks of a statement in an open transaction, and yield its rows."""
        with psycopg.connect(self.database_url) as session:
            cursor = session.execute(statement.encode(), parameters)
            yield cursor.fetchall() if cursor.description else []

    def statuses(self, order_ids: Iterable[UUID]) -> dict[UUID, str]:
        rows = self.rows("select id, status from orders_order where id = any(%s)", list(order_ids))
        return dict(rows)

    def events(self, order_id: UUID) -> list[str]:
        """Return the names of the order's events so far."""
        query = "select type from messaging_eventrecord where aggregate_id = %s order by sequence"
        return [kind.split(".")[1] for (kind,) in self.rows(query, order_id)]

    def wait_until(self, condition: Callable[[], object], *, within: float = 60.0, what: str = "") -> None:
        """Wait until ``condition()`` is true, restarting crashed processes meanwhile."""
        deadline = time.monotonic() + within
        while not (seen := condition()):
            assert time.monotonic() < deadline, f"not within {within:.0f} s: {what or 'condition'} ({seen!r})"
            self.supervisor.sleep(0.05)

    def wait_for_status(self, order_ids: Iterable[UUID], *status: str, within: float = 90.0) -> None:
        """Wait until each order has one of the statuses."""
        waiting = set(order_ids)
        seen: dict[UUID, str] = {}

        def all_there() -> bool:
            seen.update(self.statuses(waiting))
            waiting.difference_update(order_id for order_id in seen if seen[order_id] in status)
            return not waiting

        try:
            self.wait_until(all_there, within=within, what=f"all orders {' or '.join(status)}")
        except AssertionError as error:
            error.add_note(f"They are: {Counter(seen.values())}")
            raise

    def audit(self, *, within: float = 60.0) -> None:
        """Audit the shop until all invariants hold and nothing is under way, or fail with the findings."""
        deadline = time.monotonic() + within
        while (done := self.commands.run("audit", "--idle")).returncode:
            assert time.monotonic() < deadline, done.stdout + done.stderr
            self.supervisor.sleep(0.5)

    def repair(self, *, grace: float = 5.0) -> str:
        """Run the order doctor's safe repairs and return its output."""
        return self.commands.run("audit", "--repair", "--grace", str(grace)).stdout

    def probe(self, name: str, *arguments: str) -> Done:
        """Run ``manage.py probe`` for a worker."""
        return self.commands.run("probe", "--folder", str(programs.heartbeats(self.home, name)), *arguments)

    # --- Faults ---

    def main_process(self, name: str) -> int:
        """Return the process id of a program: ``web``, ``messaging`` (the relay), ``apps``."""
        return self.supervisor[name].child.pid

    def pool_processes(self, name: str) -> list[int]:
        """Return the process ids of a program's children."""
        return children.child_pids(self.supervisor[name].child)

    def kill_worker(self, name: str = APPS) -> None:
        """Kill a worker's main process with SIGKILL. The supervisor restarts it."""
        children.send(self.supervisor[name].child, signal.SIGKILL)

    def kill_worker_child(self, name: str = APPS) -> None:
        """Kill a worker's pool processes with SIGKILL."""
        for pid in self.pool_processes(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait_for_end(self, name: str, *, within: float = 60.0) -> None:
        """Wait until a program has ended. It is not restarted meanwhile."""
        deadline = time.monotonic() + within
        while not children.has_ended(self.supervisor[name].child):
            assert time.monotonic() < deadline, f"{name} has not ended within {within:.0f} s"
            time.sleep(0.02)

    def forgive_crashes(self) -> None:
        """Forget earlier crashes, so that programs are restarted without a long pause."""
        for one in self.supervisor._supervised:  # the supervisor itself never forgives on request
            one.crashes = 0

    def kill_relay(self) -> None:
        """Kill the relay's worker with SIGKILL. The supervisor restarts it."""
        self.kill_worker(RELAY)
