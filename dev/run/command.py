"""script/run: start the shop and keep it up until Ctrl-C, or until the given orders are done."""

import argparse
import contextlib
import os
import time
from pathlib import Path

from rich.markup import escape

from dev.console import Stopped, errors, out, run_command, say
from dev.errors import ScriptError
from dev.load.feed import Feed, LoggedEvent
from dev.paths import VAR
from dev.processes import ports
from dev.processes.monitoring import check_installed
from dev.run.addresses import show_addresses
from dev.run.import_orders import import_orders, planned_import
from dev.run.mixed_orders import place_mixed_orders
from dev.run.reloading import Reloader
from dev.servers.infrastructure import EMBEDDED, EVENT_BUSES, RABBITMQ
from dev.servers.ownership import hold_lock
from dev.stack import Stack

_COLOURS = {
    "orders": "cyan",
    "payments": "green",
    "inventory": "yellow",
    "shipping": "blue",
    "notifications": "magenta",
}


def main(arguments: list[str]) -> int:
    """Start the shop and place the orders that the options ask for."""
    options = _parser().parse_args(arguments)
    if options.monitor:
        check_installed()
    file = _existing(options.import_file)
    with (
        hold_lock(VAR / "run.lock", "script/run"),
        planned_import(file, options.limit) as plan,
        _stack(options) as stack,
    ):
        started = time.monotonic()
        stack.start(say)
        say(f"Ready after {time.monotonic() - started:.1f} s.")
        say(f"Metrics for Prometheus: {_metrics(stack)}")
        if options.monitor:
            say("Prometheus: {}  Alertmanager: {}".format(*stack.start_monitoring()))
        right, places = True, bool(options.orders or file)
        if options.orders:
            right = place_mixed_orders(stack, count=options.orders, seed=options.seed, rate=options.rate)
        elif file and plan:
            right = import_orders(stack, plan, source=file.name, rate=options.rate)
        if options.stay or not places:
            show_addresses(stack)
            say("Ctrl-C stops everything. Events:")
            _follow(stack, Reloader(stack, say) if options.reload else None)
        say("Stopping ...")
    return 0 if right else 1


def _stack(options: argparse.Namespace) -> Stack:
    return Stack(
        port=ports.claim(options.port),
        event_bus=options.event_bus,
        one_worker=(options.workers or ("one" if options.reload else "each")) == "one",
        feed=_has_feed(options),
        report=_report,
    )


def _has_feed(options: argparse.Namespace) -> bool:
    """Return whether the feed is started: as it is asked for, or if the shop stays up."""
    if options.feed is not None:
        return bool(options.feed)
    return bool(options.stay or not (options.orders or options.import_file))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/run",
        description="Start the whole shop: database, broker, web server, relay and workers. Ctrl-C stops it.",
        epilog="DATABASE_URL, CELERY_BROKER_URL and SHOP_EVENT_BUS, if set, name servers to use instead of "
        "private ones.",
    )
    work = parser.add_mutually_exclusive_group()
    work.add_argument(
        "--orders",
        type=_count,
        metavar="N",
        help="place N orders of all scenarios, check their outcomes, stop (or stay, with --stay)",
    )
    work.add_argument(
        "--import", dest="import_file", metavar="FILE", help="place the orders of FILE (CSV, also .gz)"
    )
    parser.add_argument("--limit", type=_count, metavar="N", help="import only the first N invoices")
    parser.add_argument(
        "--rate", type=float, default=20, help="orders a second (default 20; 0: as fast as possible)"
    )
    parser.add_argument("--seed", type=int, default=1, help="random seed of --orders (default 1)")
    parser.add_argument(
        "--event-bus", choices=EVENT_BUSES, default=EMBEDDED, help=f"carrier of events (default {EMBEDDED})"
    )
    parser.add_argument(
        "--rabbitmq",
        dest="event_bus",
        action="store_const",
        const=RABBITMQ,
        help="the same as --event-bus rabbitmq: a private RabbitMQ, for Celery's tasks as well",
    )
    parser.add_argument(
        "--workers",
        choices=["each", "one"],
        help="one for each app (default), or one for all (default with --reload)",
    )
    parser.add_argument(
        "--stay", action="store_true", help="stay up after --orders or --import, until Ctrl-C"
    )
    parser.add_argument(
        "--reload", action="store_true", help="start web server and workers again when the code has changed"
    )
    parser.add_argument(
        "--monitor",
        action="store_true",
        help="start Prometheus and Alertmanager as well",
    )
    parser.add_argument(
        "--feed",
        action=argparse.BooleanOptionalAction,
        help="start the process of the feed of events as well, for long polls and event streams (by default,"
        " unless the shop stops once orders are done)",
    )
    parser.add_argument("--port", type=int, default=8000, help="port of the web server (default 8000)")
    return parser


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def _existing(name: str | None) -> Path | None:
    """Return the path of a file, relative to the caller's folder."""
    if name is None:
        return None
    file = Path(os.environ.get("CALLED_FROM", "."), name)
    if not file.is_file():
        raise ScriptError(f"there is no file {file}.")
    return file


def _report(notice: str) -> None:
    errors.print(notice, markup=False, soft_wrap=True)


def _metrics(stack: Stack) -> str:
    """Return where the metrics of all programs are."""
    return ", ".join(f"{name} http://{address}/metrics" for name, address in stack.metrics.items())


def _follow(stack: Stack, reloader: Reloader | None) -> None:
    """Print new events until Ctrl-C, the regular end."""
    with contextlib.suppress(Stopped), contextlib.closing(Feed(stack.infrastructure.database_url)) as feed:
        while True:
            stack.tend()
            if reloader:
                reloader.tend()
            for event in feed.new():
                _show(event)
            time.sleep(0.2)


def _show(event: LoggedEvent) -> None:
    colour = _COLOURS.get(event.app, "white")
    about = event.number or str(event.aggregate_id)
    moment = f"{event.time.astimezone():%H:%M:%S.%f}"[:-3]
    out.print(f"[dim]{moment}[/]  [{colour}]{event.app:<13}[/]  {event.name:<28}  {escape(about)}")


if __name__ == "__main__":
    run_command("run", main)
