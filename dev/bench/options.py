"""Command line of script/bench: a subparser for each measurement."""

import argparse
from collections.abc import Sequence
from functools import partial

from dev.bench import layouts
from dev.bench.chain import command as chain
from dev.bench.consuming import command as consume
from dev.bench.deployment import BROKERS, EVENT_BUSES
from dev.bench.feed import command as feed
from dev.bench.growth import command as growth
from dev.bench.intake import command as intake
from dev.bench.intake.web import SERVERS
from dev.bench.limits import backpressure, latency, memory
from dev.bench.limits.latency import Pace
from dev.bench.relay import command as relay
from dev.bench.report.figures import Report
from dev.bench.webhooks import command as webhooks
from dev.servers.infrastructure import KAFKA, RABBITMQ, SERVICE_BUS

_PACES = (Pace(1, 60), Pace(10, 30), Pace(50, 20), Pace(200, 15))

_Options = argparse.Namespace


def parser() -> argparse.ArgumentParser:
    """Return the parser. Its ``measure`` takes the parsed options and returns a report."""
    whole = argparse.ArgumentParser(
        prog="script/bench",
        description="Measure the shop on two cores and on private servers with default durability.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", metavar="FILE", help="also write all values to FILE")
    common.add_argument("--plot", metavar="FILE", help="also draw a chart into FILE (.png or .svg)")
    add = partial(whole.add_subparsers(required=True, metavar="COMMAND").add_parser, parents=[common])
    _add_relay(add("relay", help="events/s from a full outbox to the event bus"))
    _add_chain(add("chain", help="orders/s from accepted to shipped, from a backlog"))
    _add_latency(add("latency", help="time from placed to shipped, at a steady rate"))
    _add_consume(add("consume", help="deliveries/s from a full queue"))
    _add_intake(add("intake", help="orders/s over HTTP and without it"))
    _add_backpressure(add("backpressure", help="overload with orders, then draining"))
    _add_memory(add("memory", help="memory of relay and worker over many events"))
    _add_growth(add("growth", help="duration of operations before and after a week of load"))
    _add_webhooks(add("webhooks", help="deliveries/s to an endpoint, beside a bare loop"))
    _add_feed(add("feed", help="memory, CPU and delay of the feed of events with readers at once"))
    return whole


def _add_webhooks(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=lambda asked: webhooks.measure(webhooks.Plan(asked.runs, asked.events)))
    _add_runs(to, 3)
    to.add_argument("--events", type=_count, default=4000, help="number of events (default 4000)")


def _add_feed(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=lambda asked: feed.measure(feed.Plan(asked.readers, asked.events, asked.rate)))
    to.add_argument("--readers", type=_count, default=500, help="event streams at once (default 500)")
    to.add_argument("--events", type=_count, default=200, help="number of events (default 200)")
    to.add_argument("--rate", type=float, default=10, help="events a second (default 10)")


def _add_relay(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=_relay)
    _add_runs(to, 5)
    to.add_argument(
        "--events", type=_count, default=20_000, help="number of events in the outbox (default 20000)"
    )
    _add_without_competitors(to)
    to.add_argument(
        "--event-bus", choices=(RABBITMQ, KAFKA, SERVICE_BUS), default=RABBITMQ, help=f"(default {RABBITMQ})"
    )


def _relay(asked: _Options) -> Report:
    return relay.measure(
        relay.Plan(
            asked.runs, asked.events, competitors=not asked.without_competitors, event_bus=asked.event_bus
        )
    )


def _add_chain(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=_chain)
    _add_runs(to, 5)
    to.add_argument("--orders", type=_count, default=3000, help="size of the backlog (default 3000)")
    _add_workers(to)
    _add_broker(to)
    _add_without_competitors(to)
    to.add_argument("--metrics", action="store_true", help="also the shop with metrics, by turns")


def _chain(asked: _Options) -> Report:
    return chain.measure(
        chain.Plan(
            asked.runs,
            asked.orders,
            asked.workers,
            _brokers(asked),
            competitors=not asked.without_competitors,
            metrics=asked.metrics,
        )
    )


def _add_latency(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=_latency)
    _add_runs(to, 3)
    to.add_argument(
        "--paces",
        type=latency.parse_pace,
        nargs="+",
        metavar="RATE:SECONDS",
        default=_PACES,
        help="orders a second and number of seconds (default 1:60 10:30 50:20 200:15); a contestant that does"
        " not keep a pace is given no higher one",
    )
    _add_workers(to)
    _add_broker(to)
    _add_without_competitors(to)


def _latency(asked: _Options) -> Report:
    return latency.measure(
        latency.Plan(
            asked.runs,
            asked.paces,
            asked.workers,
            _brokers(asked),
            competitors=not asked.without_competitors,
        )
    )


def _add_consume(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=_consume)
    _add_runs(to, 5)
    to.add_argument(
        "--events", type=_count, default=20_000, help="number of events in the queue (default 20000)"
    )
    _add_without_competitors(to)


def _consume(asked: _Options) -> Report:
    return consume.measure(consume.Plan(asked.runs, asked.events, competitors=not asked.without_competitors))


def _add_intake(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=_intake)
    _add_runs(to, 5)
    to.add_argument("--orders", type=_count, default=3000, help="orders placed in each way (default 3000)")
    _add_clients(to)
    to.add_argument("--server", choices=SERVERS, default=SERVERS[0], help=f"(default {SERVERS[0]})")


def _intake(asked: _Options) -> Report:
    return intake.measure(intake.Plan(asked.runs, asked.orders, asked.clients, asked.server))


def _add_backpressure(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=_backpressure)
    _add_runs(to, 1)
    to.add_argument("--seconds", type=float, default=120.0, help="duration of the overload (default 120)")
    _add_clients(to)
    to.add_argument("--rate", type=float, default=0.0, help="orders a second (default: as fast as possible)")
    to.add_argument("--every", type=float, default=5.0, help="seconds between two samples (default 5)")
    _add_workers(to)


def _backpressure(asked: _Options) -> Report:
    return backpressure.measure(
        backpressure.Plan(
            asked.runs,
            seconds=asked.seconds,
            clients=asked.clients,
            rate=asked.rate,
            every=asked.every,
            layout=asked.workers,
        )
    )


def _add_memory(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=_memory)
    _add_runs(to, 1)
    to.add_argument("--orders", type=_count, default=100_000, help="number of orders (default 100000)")
    to.add_argument("--step", type=_count, default=10_000, help="orders between two samples (default 10000)")


def _memory(asked: _Options) -> Report:
    return memory.measure(memory.Plan(asked.runs, asked.orders, asked.step))


def _add_growth(to: argparse.ArgumentParser) -> None:
    to.set_defaults(measure=_growth)
    to.add_argument("--days", type=_count, default=7, help="number of days (default 7)")
    to.add_argument("--orders-per-day", type=_count, default=100_000, help="(default 100000)")
    to.add_argument(
        "--log-events",
        type=int,
        default=0,
        help="let the log grow to N events afterwards, and measure again",
        metavar="N",
    )
    to.add_argument(
        "--orders",
        type=_sizes,
        default=(),
        metavar="N,N,N",
        help="instead compare shops with these numbers of orders, as in 1000,100000,1000000",
    )
    to.add_argument("--samples", type=_count, default=200, help="runs of each operation (default 200)")


def _growth(asked: _Options) -> Report:
    return growth.measure(
        growth.Plan(
            asked.days,
            asked.orders_per_day,
            log_events=asked.log_events,
            samples=asked.samples,
            orders=asked.orders,
        )
    )


def _add_runs(to: argparse.ArgumentParser, default: int) -> None:
    to.add_argument("--runs", type=_count, default=default, help=f"number of runs (default {default})")


def _add_clients(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--clients", type=_count, default=8, help="customers, each with a persistent connection (default 8)"
    )


def _add_without_competitors(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--without-competitors", action="store_true", help="measure only the shop and bare loops: quicker"
    )


def _add_workers(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--workers",
        type=layouts.parse,
        metavar="LAYOUT",
        default=layouts.DEFAULT,
        help="'each': a worker for each context; 2: two for all contexts; 1x2: one with two processes"
        f" (default {layouts.DEFAULT}); the relay always has a worker of its own",
    )


def _add_broker(to: argparse.ArgumentParser) -> None:
    to.add_argument(
        "--event-bus",
        "--broker",
        dest="broker",
        choices=EVENT_BUSES,
        help=f"measure on this event bus only (default: on {' and '.join(BROKERS)})",
    )


def _brokers(asked: _Options) -> Sequence[str]:
    return (asked.broker,) if asked.broker else BROKERS


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(sorted({_count(size) for size in text.split(",")}))


def _count(text: str) -> int:
    if (count := int(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count
