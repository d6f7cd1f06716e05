"""Course of a drill: load, backup, more load, disaster, and the steps of the runbook, with orders again."""

import shlex
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from dev.drill.backups import Backup
from dev.drill.report import Result, examine
from dev.drill.system import CUSTOMERS, SKUS, ZOE, System
from dev.errors import ScriptError
from dev.faults.load import Customers, draw_orders
from dev.processes import ports
from shop.messaging.errors import NotOpened

#: Seconds for which relay and web go on when the workers are gone: a newer broker then has new orders.
_LAST_SECONDS = 3.0
#: Seconds for the restored shop to come to rest, and for an order to come to its end.
_REST_TIMEOUT, _ORDER_TIMEOUT = 240.0, 60.0
#: Orders placed after the restore.
_ORDERS_AFTERWARDS = 5
_MOVING = """
    select (select count(*) from orders_order
            where status not in ('delivered', 'cancelled', 'needs_attention', 'settled')
            and not (status = 'placed' and payment_needs <> ''))
         + (select count(*) from messaging_outboxentry)
         + (select count(*) from messaging_scheduledmessage where kind <> 'reminder')
"""
_NEWEST = "select max(time) from messaging_eventrecord"


class Course:
    """One drill."""

    def __init__(
        self,
        backup: Backup,
        system: System,
        *,
        seed: int,
        seconds: float,
        rate: float,
        say: Callable[[str], None],
    ) -> None:
        self._backup, self._system, self._say = backup, system, say
        self._seed, self._seconds, self._rate = seed, seconds, rate

    def run(self, *, loses_broker: bool) -> Result:
        """Run the drill, and return what came of it."""
        system, backup = self._system, self._backup
        self._say("Starting the shop ...")
        system.start()
        backup.prepare(system)
        self._place_order_of_zoe()
        with self._customers(self._seed, int(self._rate * 6 * self._seconds) + 50) as customers:
            system.supervisor.sleep(self._seconds / 2)
            self._say("Taking the backup under load ...")
            backup.take(system)
            if backup.has_point:
                system.supervisor.sleep(self._seconds / 2)
                backup.choose_point()
            self._say("Forgetting a customer, and going on ...")
            system.run(f"manage.py forget_customer {ZOE}")
            system.supervisor.sleep(self._seconds)
            system.kill("apps")
            time.sleep(_LAST_SECONDS)
            lost_at = datetime.now(UTC)
            self._say("Losing the database" + (" and the broker ..." if loses_broker else " ..."))
            customers.abandon()
            system.lose(broker=loses_broker)
        return self._restore(customers, lost_at, loses_broker=loses_broker)

    def _restore(self, customers: Customers, lost_at: datetime, *, loses_broker: bool) -> Result:
        system, result = self._system, Result(self._backup.name, "lost" if loses_broker else "newer")
        began = time.monotonic()
        self._say("Restoring ...")
        self._backup.restore(system)
        result.data_loss = (lost_at - system.rows(_NEWEST)[0][0]).total_seconds()
        system.bring_providers()
        self._expect_refusal(result)
        result.opening = system.run_step("open").stdout
        result.seconds_to_open = time.monotonic() - began
        self._say("Starting the shop again ...")
        system.start_programs()
        self._say("Placing orders again ...")
        with self._customers(self._seed + 1, _ORDERS_AFTERWARDS) as later:
            while later.are_busy():
                system.supervisor.sleep(0.2)
        self._rest(result)
        result.listed = system.run_step("lost orders", check=False).stdout
        self._say("Deciding on the lost orders ...")
        for way in ("reinstate", "take over", "refund", "keep"):
            result.decisions += system.run_step(way, check=False).stdout
        self._rest(result)
        result.seconds_to_hold = time.monotonic() - began
        audit = system.run_step("audit", check=False)
        result.audit, result.holds = audit.stdout + audit.stderr, audit.returncode == 0
        examine(system, customers, later, result)
        return result

    def _customers(self, seed: int, count: int) -> Customers:
        tokens = sorted(self._system.tokens[name] for name in CUSTOMERS)
        orders = draw_orders(count, seed=seed, skus=SKUS, tokens=tokens)
        return Customers(self._system.api, *orders, rate=self._rate)

    def _place_order_of_zoe(self) -> None:
        """Place an order that comes to its end before the backup."""
        body = {
            "lines": [{"sku": SKUS[0], "quantity": 1}],
            "payment_method": "pm_card_visa",
            "ship_to": {
                "name": "Zoe Zebulon",
                "street": "Hauptstraße 1",
                "city": "Berlin",
                "postal_code": "10178",
                "country": "DE",
            },
        }
        self._system.api.as_owner_of(self._system.tokens[ZOE]).post("/api/v1/orders", body)
        deadline = time.monotonic() + _ORDER_TIMEOUT
        while self._system.rows("select 1 from orders_order where status <> 'delivered'"):
            if time.monotonic() > deadline:
                raise ScriptError(f"the first order was not delivered within {_ORDER_TIMEOUT:.0f} s")
            self._system.supervisor.sleep(0.2)

    def _expect_refusal(self, result: Result) -> None:
        """Try to start a web server and a worker on the restored database, which have to refuse."""
        bind = f"{ports.LOOPBACK}:{ports.pick(self._system.web_port)}"
        python = f"timeout 60 {shlex.quote(sys.executable)}"
        web = f"SHOP_BIND={bind} {python} -m shop.serving"
        worker = f"{python} -m celery -A shop worker -Q payments -n early@%h -c 1 -l ERROR"
        done = self._system.run(f"{web} & {worker} & wait", check=False)
        if (refusals := done.stderr.count(NotOpened.__doc__ or "")) < 2:
            result.wrong.append(f"{refusals} of 2 refused the restored database: {done.stderr[-500:]}")

    def _rest(self, result: Result) -> None:
        """Have the doctor work until nothing moves and it repairs nothing any more."""
        deadline = time.monotonic() + _REST_TIMEOUT
        while time.monotonic() < deadline:
            while self._system.rows(_MOVING)[0][0] and time.monotonic() < deadline:
                self._system.supervisor.sleep(1.0)
                if not self._is_changing():
                    break
            done = self._system.run_step("doctor", check=False)
            result.checkups.append(done.stdout)
            if (
                not self._system.rows(_MOVING)[0][0]
                and done.returncode in (0, 1)
                and not _repairs(done.stdout)
            ):
                return
            self._system.supervisor.sleep(2.0)
        result.wrong.append(f"no rest within {_REST_TIMEOUT:.0f} s")

    def _is_changing(self) -> bool:
        """Return whether the log grows within three seconds."""
        [(before,)] = self._system.rows("select count(*) from messaging_inboxentry")
        self._system.supervisor.sleep(3.0)
        return bool(self._system.rows("select count(*) from messaging_inboxentry")[0][0] != before)


def _repairs(output: str) -> bool:
    return any(line.startswith(("  repaired:", "  under way:")) for line in output.splitlines())
