"""``script/bench webhooks``: deliveries a second to one endpoint, alone and beside one that is slow."""

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dev.bench import servers
from dev.bench.report.figures import Report, Series
from dev.bench.servers import HOME
from dev.bench.webhooks.program import THREADS
from dev.console import say
from dev.errors import ServerFailed
from dev.processes import children, programs
from dev.servers.receiver import Inbox, Receiver

_BARE, _ALONE, _BESIDE = "bare loop", "shop", "shop, beside a slow endpoint"
#: Seconds that the slow endpoint takes to answer.
_SLOW = 2.0
#: Seconds for all deliveries of a run.
_TIME_LIMIT = 300.0
_PROGRAM = "dev.bench.webhooks.program"


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    runs: int
    events: int


def measure(plan: Plan) -> Report:
    """Measure each contestant once in each run."""
    servers.empty_home()
    events = plan.events // THREADS * THREADS
    rates: dict[str, list[float]] = {_BARE: [], _ALONE: [], _BESIDE: []}
    with servers.empty_postgres() as postgres:
        for run in range(1, plan.runs + 1):
            for name in rates:
                env = _environment(postgres.create_database(f"run{run}{len(name)}"))
                rate = _measure_bare(env, events) if name == _BARE else _measure_shop(env, events, name)
                rates[name].append(rate)
                say(f"run {run} of {plan.runs}: {name}: {rate:,.0f} deliveries/s")
    series = {name: Series(name, "deliveries/s", tuple(values)) for name, values in rates.items()}
    report = Report(f"Webhooks: {events:,} events to one endpoint, {THREADS} at once", [*series.values()])
    report.series.append(series[_ALONE].over(series[_BARE], "shop / bare loop"))
    report.series.append(series[_BESIDE].over(series[_ALONE], "beside a slow endpoint / alone"))
    return report


def _environment(database_url: str) -> dict[str, str]:
    env = programs.environment(database_url=database_url, broker_url="memory://")
    env["SHOP_ENDPOINT_NETWORKS"] = "127.0.0.0/8"
    programs.run_python(env, "manage.py", "migrate", "--no-input", "--skip-checks", log=HOME / "migrate.log")
    return env


def _run(env: Mapping[str, str], *arguments: str) -> str:
    log = HOME / f"{arguments[0]}.log"
    programs.run_python(env, "-m", _PROGRAM, *arguments, log=log)
    return log.read_text()


def _measure_bare(env: Mapping[str, str], events: int) -> float:
    with Receiver() as receiver:
        inbox, url = receiver.inboxes["/well"], receiver.url("/well")
        inbox.secret = _run(env, "fill", url).split()[-1]
        with _running(env, "bare", url, inbox.secret, str(events)):
            return _rate(inbox, events)


def _measure_shop(env: Mapping[str, str], events: int, name: str) -> float:
    paths = ["/well"] if name == _ALONE else ["/well", "/slow"]
    with Receiver() as receiver:
        receiver.inboxes["/slow"].delay = _SLOW
        secrets = _run(env, "fill", *map(receiver.url, paths)).split()[-len(paths) :]
        for path, secret in zip(paths, secrets, strict=True):
            receiver.inboxes[path].secret = secret
        _run(env, "publish", str(events))
        with _running(env, "send"):
            return _rate(receiver.inboxes["/well"], events)


@contextlib.contextmanager
def _running(env: Mapping[str, str], *arguments: str) -> Iterator[None]:
    argv = [sys.executable, "-m", _PROGRAM, *arguments]
    child = children.start_child(argv, env=env, log=HOME / f"{arguments[0]}.log")
    try:
        yield
    finally:
        children.stop_children([child])


def _rate(inbox: Inbox, events: int) -> float:
    """Return the deliveries a second, from the first to the last."""
    began, until = 0.0, time.monotonic() + _TIME_LIMIT
    while len(inbox.accepted) < events:
        if not began and inbox.seen:
            began = time.monotonic()
        if time.monotonic() > until:
            what = f"{len(inbox.accepted)} of {events} deliveries arrived"
            raise ServerFailed("webhooks", what, HOME / "send.log")
        time.sleep(0.005)
    return events / (time.monotonic() - began)
