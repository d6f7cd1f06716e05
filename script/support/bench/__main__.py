"""script/bench: measure what is asked for, and show what was found."""

import argparse
import os
from pathlib import Path

from script.support.bench import backpressure, chain, memory, relay
from script.support.bench.consuming import command as consume
from script.support.bench.figures import Report, describe_machine
from script.support.bench.growth import command as growth
from script.support.bench.intake import command as intake
from script.support.bench.intake.web import SERVERS
from script.support.console import out, run_command, say
from script.support.errors import ScriptError
from script.support.paths import VAR
from script.support.servers import hold_lock

#: What is measured is meant for a small machine: more cores are left alone.
_CORES = 2


def main(arguments: list[str]) -> int:
    """Measure what the options ask, print it, and write it to a file if one is named."""
    options = _parser().parse_args(arguments)
    file = Path(os.environ.get("CALLED_FROM", "."), options.json) if options.json else None
    if file and not file.parent.is_dir():
        raise ScriptError(f"there is no folder {file.parent} to write {file.name} to.")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:_CORES])
    with hold_lock(VAR / "bench.lock", "script/bench"):
        report: Report = options.measure(options)
    out.print(report.table())
    out.print(describe_machine(), style="dim")
    if file:
        file.write_text(report.as_json())
        say(f"Written to {file}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/bench",
        description="Measure the shop on private servers with their default durability, on two cores.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", metavar="FILE", help="write all figures to FILE as well")
    runs = argparse.ArgumentParser(add_help=False)
    runs.add_argument("--runs", type=_count, default=5, help="how often each is measured (default 5)")
    parents = [runs, common]
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_relay(commands.add_parser("relay", parents=parents, help="events/s from a full outbox to RabbitMQ"))
    _add_chain(commands.add_parser("chain", parents=parents, help="orders/s and the time to the parcel"))
    _add_consume(commands.add_parser("consume", parents=parents, help="deliveries/s from a full queue"))
    _add_intake(commands.add_parser("intake", parents=parents, help="orders/s over HTTP, and without it"))
    _add_backpressure(
        commands.add_parser("backpressure", parents=parents, help="more orders than the chain can follow")
    )
    _add_memory(commands.add_parser("memory", parents=parents, help="RSS of worker and relay over time"))
    _add_growth(commands.add_parser("growth", parents=[common], help="a week's load in bulk, and its effect"))
    return parser


def _add_relay(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=lambda options: relay.measure(_relay_plan(options)))
    parser.add_argument("--events", type=_count, default=20_000, help="in the full outbox (default 20000)")
    parser.add_argument(
        "--without-peers", action="store_true", help="only shop's relay and raw publishing: much quicker"
    )


def _relay_plan(options: argparse.Namespace) -> relay.Plan:
    return relay.Plan(runs=options.runs, events=options.events, peers=not options.without_peers)


def _add_chain(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=lambda options: chain.measure(_chain_plan(options)))
    parser.add_argument("--orders", type=_count, default=500, help="placed at once in a run (default 500)")
    parser.add_argument("--clients", type=_count, default=4, help="who place them (default 4)")
    parser.add_argument(
        "--slow-orders",
        type=_count,
        default=60,
        help="placed one by one, to see how long each takes (default 60)",
    )
    parser.add_argument("--rate", type=float, default=1.0, help="of those, orders a second (default 1)")
    parser.add_argument("--broker", choices=chain.BROKERS, help="only on this one (default: on both)")


def _chain_plan(options: argparse.Namespace) -> chain.Plan:
    return chain.Plan(
        runs=options.runs,
        orders=options.orders,
        clients=options.clients,
        slow_orders=options.slow_orders,
        rate=options.rate,
        brokers=(options.broker,) if options.broker else chain.BROKERS,
    )


def _add_consume(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=lambda options: consume.measure(_consume_plan(options)))
    parser.add_argument("--events", type=_count, default=20_000, help="in the full queue (default 20000)")
    parser.add_argument("--without-rivals", action="store_true", help="only shop: quicker")


def _consume_plan(options: argparse.Namespace) -> consume.Plan:
    return consume.Plan(runs=options.runs, events=options.events, rivals=not options.without_rivals)


def _add_intake(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=lambda options: intake.measure(_intake_plan(options)))
    parser.add_argument("--orders", type=_count, default=3000, help="placed in each way (default 3000)")
    parser.add_argument("--clients", type=_count, default=8, help="who keep a connection each (default 8)")
    parser.add_argument("--server", choices=SERVERS, default=SERVERS[0], help=f"(default {SERVERS[0]})")


def _intake_plan(options: argparse.Namespace) -> intake.Plan:
    return intake.Plan(
        runs=options.runs, orders=options.orders, clients=options.clients, server=options.server
    )


def _add_backpressure(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(runs=1, measure=lambda options: backpressure.measure(_backpressure_plan(options)))
    parser.add_argument("--seconds", type=float, default=120.0, help="of too many orders (default 120)")
    parser.add_argument("--clients", type=_count, default=8, help="who keep a connection each (default 8)")
    parser.add_argument(
        "--rate", type=float, default=0.0, help="orders a second (default: as fast as it goes)"
    )
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two looks (default 5)")


def _backpressure_plan(options: argparse.Namespace) -> backpressure.Plan:
    return backpressure.Plan(
        runs=options.runs,
        seconds=options.seconds,
        clients=options.clients,
        rate=options.rate,
        every=options.every,
    )


def _add_memory(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(runs=1, measure=lambda options: memory.measure(_memory_plan(options)))
    parser.add_argument(
        "--orders", type=_count, default=100_000, help="whose events are pushed (default 100000)"
    )
    parser.add_argument("--step", type=_count, default=10_000, help="orders between looks (default 10000)")


def _memory_plan(options: argparse.Namespace) -> memory.Plan:
    return memory.Plan(runs=options.runs, orders=options.orders, step=options.step)


def _add_growth(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(measure=lambda options: growth.measure(_growth_plan(options)))
    parser.add_argument("--days", type=_count, default=7, help="to live through (default 7)")
    parser.add_argument("--orders-per-day", type=_count, default=100_000, help="(default 100000)")
    parser.add_argument(
        "--log-events", type=int, default=0, help="let the log alone grow on to so many events, and measure"
    )
    parser.add_argument("--samples", type=_count, default=200, help="how often each is timed (default 200)")


def _growth_plan(options: argparse.Namespace) -> growth.Plan:
    return growth.Plan(
        days=options.days,
        orders_per_day=options.orders_per_day,
        log_events=options.log_events,
        samples=options.samples,
    )


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


if __name__ == "__main__":
    run_command("bench", main)
