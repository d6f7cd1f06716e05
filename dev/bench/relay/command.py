"""``script/bench relay``: events/s from a full outbox to RabbitMQ, beside raw publishing and the peers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dev.bench import messages, raw, servers
from dev.bench.messages import Letter
from dev.bench.relay import outboxes
from dev.bench.relay.outboxes import Outbox
from dev.bench.report.figures import Report, Series
from dev.bench.servers import StompRabbitMQ
from dev.console import say
from dev.servers.postgres import Postgres
from shop.settings import SHOP_EVENTS_PER_MESSAGE

_RAW = "raw publishing, py-amqp"
#: How many events ours puts into a message: as many as it does by default, and one like all others.
_BUNDLES = (SHOP_EVENTS_PER_MESSAGE, 1)

#: Publishes the letters; returns how many a second, and the microseconds of CPU that one takes.
Measure = Callable[[Sequence[Letter]], tuple[float, float]]


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    runs: int
    events: int
    #: Whether the other outboxes are measured, too.
    peers: bool


def measure(plan: Plan) -> Report:
    """Measure everybody once in each run, on the same servers."""
    servers.empty_home()
    letters = messages.write(plan.events)
    with servers.empty_postgres() as postgres, servers.empty_rabbitmq() as rabbitmq:
        ours = [outboxes.shop(postgres, rabbitmq, events_per_message=events) for events in _BUNDLES]
        peers = _peers(plan, postgres, rabbitmq)
        outboxes.make_tables([*ours, *peers])
        ours[0].drain(letters[: len(letters) // 10], rabbitmq.url())  # it declares the queues
        measures = _measures([*ours, *peers], rabbitmq.url())
        rates, costs = _run(measures, letters, plan.runs)
    report = _report(letters, rates, ours, peers)
    report.series += costs
    return report


def _peers(plan: Plan, postgres: Postgres, rabbitmq: StompRabbitMQ) -> list[Outbox]:
    if not plan.peers:
        return []
    return [
        outboxes.django_outbox_pattern(postgres, rabbitmq),
        outboxes.django_celery_outbox(postgres, rabbitmq, confirms=True),
        outboxes.django_celery_outbox(postgres, rabbitmq, confirms=False),
        outboxes.django_jaiminho(postgres, rabbitmq, confirms=True),
        outboxes.django_jaiminho(postgres, rabbitmq, confirms=False),
    ]


def _measures(measured: Sequence[Outbox], amqp_url: str) -> dict[str, Measure]:
    def publish_raw(letters: Sequence[Letter]) -> tuple[float, float]:
        raw.publish(amqp_url, letters[: len(letters) // 10])
        messages.collect(amqp_url, len(letters) // 10, _RAW)
        seconds, cpu = raw.publish(amqp_url, letters)
        messages.collect(amqp_url, len(letters), _RAW)
        return len(letters) / seconds, 1e6 * cpu / len(letters)

    def drain(outbox: Outbox) -> Measure:
        def measure_outbox(letters: Sequence[Letter]) -> tuple[float, float]:
            some = letters[: int(len(letters) * outbox.share)]
            seconds, cpu = outbox.drain(some, amqp_url)
            return len(some) / seconds, 1e6 * cpu / len(some)

        return measure_outbox

    return {_RAW: publish_raw} | {outbox.name: drain(outbox) for outbox in measured}


def _run(
    measures: dict[str, Measure], letters: Sequence[Letter], runs: int
) -> tuple[dict[str, Series], list[Series]]:
    rates: dict[str, list[float]] = {name: [] for name in measures}
    costs: dict[str, list[float]] = {name: [] for name in measures}
    for run in range(1, runs + 1):
        for name, measure in measures.items():
            rate, cost = measure(letters)
            rates[name].append(rate)
            costs[name].append(cost)
            say(f"run {run} of {runs}: {name}: {rate:,.0f} events/s, {cost:,.0f} us of CPU each")
    return (
        {name: Series(name, "events/s", tuple(values)) for name, values in rates.items()},
        [Series(f"CPU of {name}", "us/event", tuple(values)) for name, values in costs.items()],
    )


def _report(
    letters: Sequence[Letter], rates: dict[str, Series], ours: Sequence[Outbox], peers: Sequence[Outbox]
) -> Report:
    names = ", ".join(queue.removesuffix(".events") for queue in messages.QUEUES)
    size = messages.average_size(letters)
    what = f"{len(letters):,} {messages.EVENT.__name__} of {size} bytes"
    report = Report(f"Relay: {what} to {len(messages.QUEUES)} quorum queues ({names})", [*rates.values()])
    best = max((rates[peer.name] for peer in peers), key=lambda series: series.median, default=None)
    for name in (outbox.name for outbox in ours):
        report.series.append(rates[name].over(rates[_RAW], f"{name} / raw publishing"))
        if best:
            report.series.append(rates[name].over(best, f"{name} / {best.name}"))
    return report
