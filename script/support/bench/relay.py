"""``script/bench relay``: events/s from a full outbox to RabbitMQ, beside raw publishing and the peers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from script.support.bench import messages, outboxes, raw, servers
from script.support.bench.figures import Report, Series
from script.support.bench.messages import Letter
from script.support.bench.outboxes import Outbox
from script.support.bench.servers import StompRabbitMQ
from script.support.console import say
from script.support.postgres import Postgres

_RAW = "raw publishing, py-amqp"

#: Publishes the letters and returns how many a second.
Measure = Callable[[Sequence[Letter]], float]


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
        ours, peers = outboxes.shop(postgres, rabbitmq), _peers(plan, postgres, rabbitmq)
        outboxes.make_tables([ours, *peers])
        ours.drain(letters[: len(letters) // 10], rabbitmq.url())  # it declares the queues
        measures = _measures([ours, *peers], rabbitmq.url())
        rates = _rates(measures, letters, plan.runs)
    return _report(letters, rates, ours, peers)


def _peers(plan: Plan, postgres: Postgres, rabbitmq: StompRabbitMQ) -> list[Outbox]:
    if not plan.peers:
        return []
    return [
        outboxes.django_outbox_pattern(postgres, rabbitmq),
        outboxes.django_celery_outbox(postgres, rabbitmq, confirms=True),
        outboxes.django_celery_outbox(postgres, rabbitmq, confirms=False),
    ]


def _measures(measured: Sequence[Outbox], amqp_url: str) -> dict[str, Measure]:
    def publish_raw(letters: Sequence[Letter]) -> float:
        raw.publish(amqp_url, letters[: len(letters) // 10])
        messages.collect(amqp_url, len(letters) // 10, _RAW)
        seconds = raw.publish(amqp_url, letters)
        messages.collect(amqp_url, len(letters), _RAW)
        return len(letters) / seconds

    def drain(outbox: Outbox) -> Measure:
        def measure_outbox(letters: Sequence[Letter]) -> float:
            some = letters[: int(len(letters) * outbox.share)]
            return len(some) / outbox.drain(some, amqp_url)

        return measure_outbox

    return {_RAW: publish_raw} | {outbox.name: drain(outbox) for outbox in measured}


def _rates(measures: dict[str, Measure], letters: Sequence[Letter], runs: int) -> dict[str, Series]:
    found: dict[str, list[float]] = {name: [] for name in measures}
    for run in range(1, runs + 1):
        for name, measure in measures.items():
            rate = measure(letters)
            found[name].append(rate)
            say(f"run {run} of {runs}: {name}: {rate:,.0f} events/s")
    return {name: Series(name, "events/s", tuple(values)) for name, values in found.items()}


def _report(
    letters: Sequence[Letter], rates: dict[str, Series], ours: Outbox, peers: Sequence[Outbox]
) -> Report:
    names = ", ".join(queue.removesuffix(".events") for queue in messages.QUEUES)
    size = messages.average_size(letters)
    what = f"{len(letters):,} {messages.EVENT.__name__} of {size} bytes"
    report = Report(f"Relay: {what} to {len(messages.QUEUES)} quorum queues ({names})", [*rates.values()])
    shop = rates[ours.name]
    report.series.append(shop.over(rates[_RAW], "shop / raw publishing"))
    if peers:
        best = max((rates[peer.name] for peer in peers), key=lambda series: series.median)
        report.series.append(shop.over(best, f"shop / {best.name}"))
    return report
