"""script/faults: a shop under load, a seeded schedule of faults, and whether anything is lost."""

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
from dev.faults.kinds import Kind
from dev.faults.load import Customers, orders
from dev.faults.rest import wait_for_rest
from dev.faults.run import Runner
from dev.faults.schedule import draw
from dev.faults.world import SKUS, World
from dev.paths import VAR
from dev.servers.ownership import hold_lock

#: Schedules take longer on slow machines: there are orders for so many times their length.
_ENOUGH = 5
#: Seconds between two lines of counts where there is no terminal to show a bar on.
_EVERY = 15.0


def main(arguments: list[str]) -> int:
    """Run a schedule; 0 only if nothing was lost and nothing is wrong."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    seconds, kinds = 60 * options.minutes, _kinds(options.only)
    out.print(f"Seed {seed}, {options.minutes:g} minutes, {options.rate:g} orders a second")
    with hold_lock(VAR / "faults.lock", "script/faults"), World(_complain) as world:
        world.start(say)
        count, tokens = int(_ENOUGH * seconds * options.rate), sorted(world.tokens.values())
        wanted = orders(count, seed=seed, skus=SKUS, tokens=tokens)
        with Customers(world.api, *wanted, rate=options.rate) as customers, _bar(seconds) as advance:
            runner = Runner(world, _tell)
            strikes = draw(seed, seconds, kinds)
            runner.run(strikes, seconds, lambda now: advance(now, _count(customers, runner)))
            customers.stop_ordering()
            while customers.are_waiting():
                world.supervisor.sleep(0.2)
                advance(seconds, _count(customers, runner))
            rest = wait_for_rest(world, lambda text: advance(seconds, text))
        findings = report.examine(world, customers, rest)
        report.show_faults(world, runner.injuries)
        report.show_result(world, runner.injuries, customers, rest, findings)
        say("Stopping ...")
    return 1 if findings.lost or findings.wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/faults",
        description="Hurt a whole shop under load by a seeded schedule of faults: nothing may be lost.",
    )
    parser.add_argument("--seed", type=int, help="of the schedule and the orders (default: a new one)")
    parser.add_argument("--minutes", type=float, default=5, help="for which faults strike (default 5)")
    parser.add_argument("--rate", type=float, default=2, help="orders a second (default 2)")
    parser.add_argument("--only", metavar="TEXT", default="", help="only faults with TEXT in their names")
    return parser


def _kinds(text: str) -> list[Kind]:
    if kinds := [kind for kind in all_kinds() if text.lower() in kind.name.lower()]:
        return kinds
    names = ", ".join(kind.name for kind in all_kinds())
    raise ScriptError(f"no fault has {text!r} in its name. There are: {names}.")


@contextlib.contextmanager
def _bar(seconds: float) -> Iterator[Callable[[float, str], None]]:
    """Show how far the schedule is and a line of counts; in a log, a line now and then."""
    columns = (TimeElapsedColumn(), BarColumn(), TextColumn("{task.description}"))
    spoken_at = time.monotonic()
    with Progress(*columns, console=out, disable=not out.is_terminal) as progress:
        task = progress.add_task("", total=seconds)

        def advance(now: float, text: str) -> None:
            nonlocal spoken_at
            progress.update(task, completed=now, description=text)
            if not out.is_terminal and time.monotonic() - spoken_at > _EVERY:
                spoken_at = time.monotonic()
                say(text)

        yield advance


def _count(customers: Customers, runner: Runner) -> str:
    waiting = len(customers.sent) - len(customers.accepted)
    broken = ", ".join(runner.open) or "nothing"
    return f"{len(customers.accepted)} accepted, {waiting} waiting; broken: {broken}"


def _tell(moment: float, text: str) -> None:
    out.print(f"[dim]{moment:6.1f} s[/]  ", end="")
    out.print(text, markup=False, soft_wrap=True)


def _complain(notice: str) -> None:
    errors.print(notice, markup=False, soft_wrap=True, style="dim")


if __name__ == "__main__":
    run_command("faults", main)
