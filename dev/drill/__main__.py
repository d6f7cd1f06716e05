"""script/drill: lose the database of a shop under load, restore it by the runbook, count what was lost."""

import argparse
import secrets
from collections.abc import Mapping

from dev.console import errors, out, run_command, say
from dev.drill.backups import Backup, Dump, PointInTime
from dev.drill.course import Course
from dev.drill.report import Result, show
from dev.drill.system import System
from dev.paths import VAR
from dev.servers.ownership import hold_lock

_BACKUPS: dict[str, type[Backup]] = {"pg_dump": Dump, "pgbackrest": PointInTime}
_BROKERS = {"newer": False, "lost": True}


def main(arguments: list[str]) -> int:
    """Run the drills. Returns 0 only if each ends with an audit that holds and nothing is wrong."""
    options = _parser().parse_args(arguments)
    results: list[Result] = []
    with hold_lock(VAR / "drill.lock", "script/drill"):
        for backup in _chosen(options.backup, _BACKUPS):
            for broker in _chosen(options.broker, _BROKERS):
                out.print(f"Backup by {backup}, broker {broker}")
                result = _run(_BACKUPS[backup](), options, loses_broker=_BROKERS[broker])
                results.append(result)
                out.print(f"Audit {'holds' if result.holds else 'fails'}, wrong: {len(result.wrong)}")
        show(results, options)
    return 1 if any(result.wrong for result in results) else 0


def _run(backup: Backup, options: argparse.Namespace, *, loses_broker: bool) -> Result:
    with System(backup.postgres, _print_notice) as system:
        course = Course(
            backup, system, seed=options.seed, seconds=options.seconds, rate=options.rate, say=say
        )
        return course.run(loses_broker=loses_broker)


def _chosen(name: str, possible: Mapping[str, object]) -> list[str]:
    return list(possible) if name == "all" else [name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/drill",
        description="Lose the database of a shop under load, and restore it by the steps of docs/runbook.md.",
    )
    parser.add_argument(
        "--backup",
        choices=("all", *_BACKUPS),
        default="all",
        help="pg_dump of PostgreSQL 18, or a recovery to a point in time by pgBackRest of PostgreSQL 15",
    )
    parser.add_argument(
        "--broker", choices=("all", *_BROKERS), default="all", help="newer than the database, or lost with it"
    )
    parser.add_argument(
        "--seconds", type=float, default=20, help="of orders before the point, and after it (default 20)"
    )
    parser.add_argument("--rate", type=float, default=3, help="orders a second (default 3)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="of the orders")
    return parser


def _print_notice(notice: str) -> None:
    errors.print(notice, markup=False, soft_wrap=True, style="dim")


if __name__ == "__main__":
    run_command("drill", main)
