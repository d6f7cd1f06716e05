"""script/bench: measure relay, chain, latency or growth, and show what was found."""

import argparse
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from script.support.bench import chain, latency, layouts, plot, relay
from script.support.bench.deployment import BROKERS
from script.support.bench.figures import Report, describe_machine
from script.support.bench.growth import command as growth
from script.support.bench.latency import Pace
from script.support.bench.layouts import Layout
from script.support.console import out, run_command, say
from script.support.errors import ScriptError
from script.support.paths import VAR
from script.support.servers import hold_lock

#: What is measured is meant for a small machine: more cores are left alone.
_CORES = 2
#: One for each context, as script/run: of each, 1, 2 and 1x2 it had the most orders shipped a second.
_LAYOUT = Layout()
_PACES = (Pace(1, 60), Pace(10, 30), Pace(200, 15))


def main(arguments: list[str]) -> int:
    """Measure what the options ask, print it, and write it to the files that are named."""
    options = _parser().parse_args(arguments)
    text, picture = _file(options.json), _file(options.plot)
    if text and not text.parent.is_dir():
        raise ScriptError(f"there is no folder {text.parent} to write {text.name} to.")
    if picture:
        plot.check(picture)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:_CORES])
    with hold_lock(VAR / "bench.lock", "script/bench"):
        report: Report = options.measure(options)
    out.print(report.table())
    out.print(describe_machine(), style="dim")
    if text:
        text.write_text(report.as_json())
        say(f"Written to {text}.")
    if picture:
        plot.draw(report, picture)
        say(f"Drawn in {picture}.")
    return 0


def _file(name: str | None) -> Path | None:
    return Path(os.environ.get("CALLED_FROM", "."), name) if name else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description="Measure the shop on private servers with their default durability, on two cores.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", metavar="FILE", help="write all figures to FILE as well")
    common.add_argument("--plot", metavar="FILE", help="draw them in FILE, a .png or .svg")
    commands = parser.add_subparsers(required=True, metavar="relay|chain|latency|growth")
    add = partial(commands.add_parser, parents=[common])
    _add_relay(add("relay", help="events/s from a full outbox to RabbitMQ"))
    _add_chain(add("chain", help="orders/s from accepted to shipped, from a backlog"))
    _add_latency(add("latency", help="the time from placed to shipped, at a steady pace"))
    _add_growth(add("growth", help="a week's load in bulk, and its effect"))
    return parser


def _add_runs(parser: argparse.ArgumentParser, default: int) -> None:
    parser.add_argument(
        "--runs", type=_count, default=default, help=f"how often each is measured (default {default})"
    )


def _add_relay(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=lambda options: relay.measure(_relay_plan(options)))
    _add_runs(parser, 5)
    parser.add_argument("--events", type=_count, default=20_000, help="in the full outbox (default 20000)")
    parser.add_argument(
        "--without-peers", action="store_true", help="only shop's relay and raw publishing: much quicker"
    )


def _relay_plan(options: argparse.Namespace) -> relay.Plan:
    return relay.Plan(runs=options.runs, events=options.events, peers=not options.without_peers)


def _add_chain(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=lambda options: chain.measure(_chain_plan(options)))
    _add_runs(parser, 5)
    parser.add_argument("--orders", type=_count, default=3000, help="in the backlog (default 3000)")
    _add_deployment(parser)
    parser.add_argument("--without-peers", action="store_true", help="only the shop: much quicker")


def _chain_plan(options: argparse.Namespace) -> chain.Plan:
    return chain.Plan(
        runs=options.runs,
        orders=options.orders,
        layout=options.workers,
        brokers=_brokers(options),
        peers=not options.without_peers,
    )


def _add_latency(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=lambda options: latency.measure(_latency_plan(options)))
    _add_runs(parser, 3)
    parser.add_argument(
        "--paces",
        type=latency.parse_pace,
        nargs="+",
        metavar="RATE:SECONDS",
        default=_PACES,
        help="orders a second, and for how long (default 1:60 10:30 200:15)",
    )
    _add_deployment(parser)


def _latency_plan(options: argparse.Namespace) -> latency.Plan:
    return latency.Plan(
        runs=options.runs, paces=options.paces, layout=options.workers, brokers=_brokers(options)
    )


def _add_deployment(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workers",
        type=layouts.parse,
        metavar="LAYOUT",
        default=_LAYOUT,
        help="'each': one for each context; 2: two that serve all contexts; 1x2: one with two processes"
        f" (default {_LAYOUT}). The relay has one of its own",
    )
    parser.add_argument("--broker", choices=BROKERS, help="only on this one (default: on both)")


def _brokers(options: argparse.Namespace) -> Sequence[str]:
    return (options.broker,) if options.broker else BROKERS


def _add_growth(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=lambda options: growth.measure(_growth_plan(options)))
    parser.add_argument("--days", type=_count, default=7, help="to live through (default 7)")
    parser.add_argument("--orders-per-day", type=_count, default=100_000, help="(default 100000)")
    parser.add_argument(
        "--log-events", type=int, default=0, help="let the log alone grow on to so many events, and measure"
    )
    parser.add_argument(
        "--orders",
        type=_sizes,
        default=(),
        metavar="N,N,N",
        help="compare shops with so many orders instead, as in 1000,100000,1000000",
    )
    parser.add_argument("--samples", type=_count, default=200, help="how often each is timed (default 200)")


def _growth_plan(options: argparse.Namespace) -> growth.Plan:
    return growth.Plan(
        days=options.days,
        orders_per_day=options.orders_per_day,
        log_events=options.log_events,
        samples=options.samples,
        orders=options.orders,
    )


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted({_count(size) for size in text.split(",")}))


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


if __name__ == "__main__":
    run_command("bench", main)
