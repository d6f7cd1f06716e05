"""script/scale: scale workers by the depth of their queues, as KEDA would, and size larger installations."""

import argparse
import os
import time
from pathlib import Path

from dev.bench import servers
from dev.bench.servers import pid_of
from dev.console import errors, run_command, say
from dev.errors import ScriptError, ServerFailed
from dev.paths import VAR
from dev.scale import books, rule, throughput
from dev.scale.cost import CostMeter
from dev.scale.fleet import Fleet
from dev.scale.report import Report
from dev.scale.sizing import Sessions
from dev.scale.waves import Waves
from dev.servers.ownership import hold_lock
from dev.servers.postgres import Postgres
from dev.servers.rabbitmq import RabbitMQ

_CORES = 2


def main(arguments: list[str]) -> int:
    """Run the parts. Returns 0 only if nothing is lost or twice, and no worker had to be killed."""
    options = _parser().parse_args(arguments)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:_CORES])
    # Both use the servers and folders of script/bench.
    with hold_lock(VAR / "bench.lock", "script/scale"):
        report = _measure(options)
    report.show()
    if options.json:
        Path(os.environ.get("CALLED_FROM", "."), options.json).write_text(report.as_json())
    return 1 if report.wrong or report.killed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="script/scale",
        description="Scale workers by the depth of their queues, with the thresholds and times of"
        " deploy/kubernetes/base/keda.yaml; then the throughput by number of workers, and sizes on paper.",
    )
    parser.add_argument("--orders", type=int, default=10_000, help="in all waves together (default 10000)")
    parser.add_argument("--waves", type=int, default=2, help="number of waves (default 2)")
    parser.add_argument("--max", type=int, default=4, help="workers at most, on two cores (default 4)")
    parser.add_argument(
        "--speed",
        type=float,
        default=5.0,
        help="divisor of the manifest's times (default 5; 1 takes them as they are)",
    )
    parser.add_argument(
        "--backlog",
        type=int,
        default=2_000,
        help="orders for each layout of workers (default 2000; 0 for none)",
    )
    parser.add_argument("--json", metavar="FILE", help="also write everything to FILE")
    return parser


def _measure(options: argparse.Namespace) -> Report:
    report = Report()
    servers.empty_home()
    with servers.empty_postgres() as postgres, servers.empty_rabbitmq() as rabbitmq:
        _scale(options, postgres, rabbitmq, report)
        if options.backlog:
            report.throughput = list(
                throughput.measure(
                    options.backlog,
                    database_url=postgres.create_database("bench_throughput"),
                    broker_url=rabbitmq.url(),
                    servers={"PostgreSQL": pid_of(postgres), "RabbitMQ": pid_of(rabbitmq)},
                )
            )
            report.sessions = _sessions(report.throughput)
    return report


def _scale(options: argparse.Namespace, postgres: Postgres, rabbitmq: RabbitMQ, report: Report) -> None:
    scaled = rule.common(maximum=options.max)
    url = postgres.create_database("bench_scale")
    fleet = Fleet("scale", database_url=url, broker_url=rabbitmq.url())
    fleet.prepare()
    share = options.orders // options.waves
    waves = [share] * (options.waves - 1) + [options.orders - share * (options.waves - 1)]
    with fleet:
        meter = CostMeter(fleet, {"PostgreSQL": pid_of(postgres), "RabbitMQ": pid_of(rabbitmq)})
        with meter.running():
            for sample in Waves(fleet, rabbitmq.url(), scaled, options.speed).run(waves):
                report.samples.append(sample)
                say(
                    f"{sample.at:5.0f} s: {sample.depth:,} in the deepest queue, {sample.workers} workers, "
                    f"{sample.asked} asked, {sample.unfinished:,} unfinished"
                )
        workers = report.samples[-1].cpu - report.samples[0].cpu
        report.cost = meter.cost(options.orders, workers=workers)
        report.accepted = options.orders
        report.started, report.stopped, report.killed = fleet.started, fleet.stopped, fleet.killed
        report.wrong = _audit(fleet, options.orders)


def _audit(fleet: Fleet, accepted: int) -> list[str]:
    wrong = books.differences(fleet, accepted)
    started = time.monotonic()
    try:
        fleet.audit()
    except ServerFailed as failure:
        errors.print(str(failure), markup=False, soft_wrap=True)
        wrong.append("the audit does not hold")
    say(f"audited in {time.monotonic() - started:.0f} s")
    return wrong


def _sessions(found: list[throughput.Throughput]) -> Sessions:
    """Return the sessions of a worker, and of the relay, from one worker and two."""
    one, two = (item.connections for item in found[:2])
    if two <= one:
        raise ScriptError(f"two workers have {two} sessions, and one has {one}")
    return Sessions(worker=two - one, relay=max(1, one - (two - one)))


if __name__ == "__main__":
    run_command("scale", main)
