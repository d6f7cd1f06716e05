"""A real shop for a test: web server, relay and workers as real processes, to use, to hurt and to audit."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
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
from dev.paths import ROOT
from dev.processes import children, ports, programs
from dev.processes.supervisor import Program, Supervisor
from shop.settings import CONTEXTS
from tests.support.servers import Broker, EmbeddedBroker, RabbitBroker, fresh_database

#: The worker with the relay, and the one that serves all apps.
RELAY, APPS = programs.RELAY, "apps"
CUSTOMERS = {"ada": "Ada Lovelace", "grace": "Grace Hopper"}
OPERATOR = "olga"
PLENTY = 1_000_000
#: SKU -> how many there are.
STOCK = {"MUG-BLUE": PLENTY, "TEAPOT": PLENTY, "LAST-ONE": 1, "SOLD-OUT": 0}
#: Everything that takes its time in the shop takes little of it.
HASTE = {"SHOP_TRACKING_INTERVAL_SECONDS": "0.2", "SHOP_REFUND_CHECK_INTERVAL_SECONDS": "0.2"}


def prepare_database(database_url: str, home: Path) -> dict[str, str]:
    """Make tables, a small catalogue and a few people in a database; return their API tokens."""
    env = programs.environment(database_url=database_url, broker_url="memory://")
    products = [
        {"sku": sku, "name": sku.title(), "price": "12.50", "currency": "EUR", "needed": count}
        for sku, count in STOCK.items()
    ]
    people = {**CUSTOMERS, OPERATOR: "Olga Operator"}
    wanted, tokens = home / "wanted.json", home / "tokens.json"
    wanted.write_text(json.dumps({"products": products, "customers": people, "reason": "for the tests"}))
    _manage(env, "migrate", "--no-input", "--skip-checks")
    _manage(env, "import_catalogue", str(wanted), "--tokens", str(tokens))
    with psycopg.connect(database_url) as session:
        session.execute("update auth_user set is_staff = true where username = %s", [OPERATOR])
    found: dict[str, str] = json.loads(tokens.read_text())
    return found


@contextmanager
def shared_deployment(request: pytest.FixtureRequest, **options: Any) -> Iterator["Deployment"]:
    """A deployment for a fixture that several tests share, on the broker that is the fixture's parameter."""
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
    """Use it as a context manager: leaving it ends all its processes."""

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
        **settings: str,
    ) -> None:
        """``settings`` are environment variables of the shop, on top of :data:`HASTE`.

        There are two workers, one with the relay and one for all apps, unless there is to be one for each,
        or ``workers`` names others and their queues. ``arguments`` are what a worker is told besides.
        """
        self.database_url, self.broker, self.tokens, self.home = database_url, broker, tokens, home
        #: Another checkout may be tested on this machine: two that ask at once must not get the same.
        self.port = ports.pick(random.randrange(18_000, 24_000))
        self.notices: list[str] = []
        self.supervisor = Supervisor(home / "log", report=self.notices.append)
        self._arguments = arguments or {}
        each = {name: [name] for name in (RELAY, *CONTEXTS)}
        self._workers = workers or (each if one_worker_each else {RELAY: [RELAY], APPS: CONTEXTS})
        common = programs.environment(database_url=database_url, broker_url=broker.url)
        self.env = {**common, "EMAIL_FILE_PATH": str(home / "mail"), **HASTE, **settings}

    def __enter__(self) -> "Deployment":
        try:
            self.supervisor.start(programs.web(self.env, port=self.port), *self._worker_programs())
            self.supervisor.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.supervisor.kill()
        if any(exc_info):
            self.print_logs()

    def print_logs(self) -> None:
        """Print what the programs wrote last; pytest shows it if the test fails."""
        for log in sorted((self.home / "log").glob("*.log")):
            print(f"--- {log.name}\n{log.read_text()[-5000:]}")

    def _worker_programs(self) -> list[Program]:
        return [self._worker(name, queues) for name, queues in self._workers.items()]

    def _worker(self, name: str, queues: Sequence[str], *arguments: str) -> Program:
        program = programs.worker(self.env, name, list(queues), home=self.home)
        return replace(program, argv=(*program.argv, *self._arguments.get(name, ()), *arguments))

    # --- What operators do ---

    def start_worker(self, name: str, queues: Sequence[str], *arguments: str) -> None:
        """Start one more worker; ``arguments`` are further ones of its command line."""
        self.supervisor.start(self._worker(name, queues, *arguments))
        self.supervisor.wait_ready()

    def stop_workers(self, *names: str) -> None:
        """Ask workers to end; they stay down until start_workers()."""
        stopped = [self.supervisor[name] for name in names]
        for one in stopped:
            self.supervisor._supervised.remove(one)
        late = children.stop_children([one.child for one in stopped], grace=60)
        assert not late, f"some of {names} did not stop"

    def start_workers(self, *names: str) -> None:
        """Start workers again that were stopped."""
        self.supervisor.start(*(self._worker(name, self._workers[name]) for name in names))
        self.supervisor.wait_ready()

    def break_gateway(
        self, kind: str, operation: str = "", *, seconds: float = 0, calls: int | None = None
    ) -> None:
        """Make the payment gateway fail: ``outage``, ``timeout`` or ``slow``."""
        providers.break_gateway(self.database_url, kind, operation, seconds=seconds, calls=calls)

    def break_carrier(
        self, kind: str, operation: str = "", *, seconds: float = 0, calls: int | None = None
    ) -> None:
        """Make the carrier fail: ``outage``, ``timeout`` or ``slow``."""
        providers.break_carrier(self.database_url, kind, operation, seconds=seconds, calls=calls)

    def mend_providers(self) -> None:
        """Let gateway and carrier work as they should."""
        providers.mend_gateway(self.database_url)
        providers.mend_carrier(self.database_url)

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
        idempotency_key: str = "",
    ) -> UUID:
        """Place an order of (SKU, quantity), by default of a blue mug, and return its id."""
        headers = {"Idempotency_Key": idempotency_key} if idempotency_key else {}
        address = {"name": "Ada Lovelace", "street": street, "city": "Berlin", "postal_code": "10178"}
        body = {
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines or [("MUG-BLUE", 1)]],
            "payment_method": payment_method,
            "ship_to": {**address, "country": "DE"},
        }
        return UUID(self.api(customer).post("/api/v1/orders", body, **headers)["id"])

    def cancel_order(self, order_id: UUID, *, customer: str = "ada") -> None:
        self.api(customer).post(f"/api/v1/orders/{order_id}/cancel", {})

    # --- What can be seen ---

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What the database answers to ``query``."""
        with psycopg.connect(self.database_url, autocommit=True) as session:
            return session.execute(query.encode(), parameters).fetchall()

    @contextmanager
    def holding(self, statement: str, *parameters: object) -> Iterator[list[tuple[Any, ...]]]:
        """Hold the locks that a statement takes; gives its rows, if it has any."""
        with psycopg.connect(self.database_url) as session:
            cursor = session.execute(statement.encode(), parameters)
            yield cursor.fetchall() if cursor.description else []

    def execute(self, query: str, *parameters: object) -> None:
        """Change something behind the shop's back."""
        with psycopg.connect(self.database_url, autocommit=True) as session:
            session.execute(query.encode(), parameters)

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

    def audit(self, *, within: float = 30.0) -> None:
        """Fail with what the audit finds, unless it holds once all has settled and nothing is under way."""
        deadline = time.monotonic() + within
        while (done := _run(self.env, "audit", "--idle")).returncode:
            assert time.monotonic() < deadline, done.stdout + done.stderr
            self.supervisor.sleep(0.5)

    def repair(self, *, grace: float = 5.0) -> str:
        """Have the doctor repair what is safe, and return what it says."""
        return _run(self.env, "audit", "--repair", "--grace", str(grace)).stdout

    # --- What can go wrong ---

    def main_process(self, name: str) -> int:
        """The process id of a program: ``web``, ``messaging`` (the relay), ``apps``."""
        return self.supervisor[name].child.pid

    def pool_processes(self, name: str) -> list[int]:
        """The process ids of what a program has started."""
        return children.child_pids(self.supervisor[name].child)

    def kill_worker(self, name: str = APPS) -> None:
        """Kill -9 a worker's main process. It is started again when time passes."""
        children.send(self.supervisor[name].child, signal.SIGKILL)

    def kill_worker_child(self, name: str = APPS) -> None:
        """Kill -9 the processes in which a worker runs its tasks."""
        for pid in self.pool_processes(name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def wait_for_end(self, name: str, *, within: float = 30.0) -> None:
        """Wait until a program has ended; it is not started again before time passes for the shop."""
        deadline = time.monotonic() + within
        while not children.has_ended(self.supervisor[name].child):
            assert time.monotonic() < deadline, f"{name} has not ended within {within:.0f} s"
            time.sleep(0.02)

    def forgive_crashes(self) -> None:
        """Start programs again soon, however often they have crashed."""
        for one in self.supervisor._supervised:
            one.crashes = 0

    def kill_relay(self) -> None:
        """Kill -9 the worker that relays. It is started again when time passes."""
        self.kill_worker(RELAY)


def _manage(env: dict[str, str], *arguments: str) -> None:
    done = _run(env, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def _run(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "manage.py", *arguments]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
