"""``script/bench relay``: events/s from a full outbox to RabbitMQ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dev.bench import baseline, messages, servers
from dev.bench.messages import OutgoingEvent
from dev.bench.relay import outboxes
from dev.bench.relay.outboxes import Outbox
from dev.bench.report.figures import Report, Series
from dev.bench.servers import EVENT_BUS_NAMES, StompRabbitMQ
from dev.console import say
from dev.servers.infrastructure import RABBITMQ
from dev.servers.postgres import Postgres
from shop.settings import SHOP_EVENTS_PER_MESSAGE

_BASELINE = "raw publishing, py-amqp"
#: Events per message in the shop's relay: the default, and one as in all other outboxes.
_BUNDLES = (SHOP_EVENTS_PER_MESSAGE, 1)

#: Function that publishes events; returns events a second and CPU microseconds of each.
Measure = Callable[[Sequence[OutgoingEvent]], tuple[float, float]]


@dataclass(frozen=True)
class Plan:
    """Options of the measurement."""

    runs: int
    events: int
    #: Measure the other outboxes, too.
    competitors: bool
    event_bus: str = RABBITMQ


def measure(plan: Plan) -> Report:
    """Measure every contestant once in each run, on the same servers."""
    return _measure_on_rabbitmq(plan) if plan.event_bus == RABBITMQ else _measure_on_a_bus(plan)


def _measure_on_a_bus(plan: Plan) -> Report:
    """Measure the shop's relay to another event bus. All other outboxes publish to RabbitMQ alone."""
    servers.empty_home()
    events = messages.make_events(plan.events)
    name = EVENT_BUS_NAMES[plan.event_bus]
    with servers.empty_postgres() as postgres, servers.empty_event_bus(plan.event_bus) as bus:
        outbox = outboxes.shop_on(name, postgres, bus)
        outboxes.make_tables([outbox])
        rates, costs = _run(_measures([outbox]), events, plan.runs)
    what = f"{len(events):,} {messages.EVENT.__name__} of {messages.average_size(events)} bytes"
    return Report(f"Relay: {what} to {name}", [*rates.values(), *costs])


def _measure_on_rabbitmq(plan: Plan) -> Report:
    servers.empty_home()
    events = messages.make_events(plan.events)
    with servers.empty_postgres() as postgres, servers.empty_rabbitmq() as rabbitmq:
        shop_outboxes = [outboxes.shop(postgres, rabbitmq, events_per_message=size) for size in _BUNDLES]
        competitors = _competitors(plan, postgres, rabbitmq)
        outboxes.make_tables([*shop_outboxes, *competitors])
        shop_outboxes[0].drain(events[: len(events) // 10], rabbitmq.url())  # declares the queues
        measures = _baseline(rabbitmq.url()) | _measures([*shop_outboxes, *competitors], rabbitmq.url())
        rates, costs = _run(measures, events, plan.runs)
    report = _report(events, rates, shop_outboxes, competitors)
    report.series += costs
    return report


def _competitors(plan: Plan, postgres: Postgres, rabbitmq: StompRabbitMQ) -> list[Outbox]:
    if not plan.competitors:
        return []
    return [
        outboxes.django_outbox_pattern(postgres, rabbitmq),
        outboxes.django_celery_outbox(postgres, rabbitmq, confirms=True),
        outboxes.django_celery_outbox(postgres, rabbitmq, confirms=False),
        outboxes.django_jaiminho(postgres, rabbitmq, confirms=True),
        outboxes.django_jaiminho(postgres, rabbitmq, confirms=False),
    ]


def _baseline(amqp_url: str) -> dict[str, Measure]:
    def publish_baseline(events: Sequence[OutgoingEvent]) -> tuple[float, float]:
        baseline.publish(amqp_url, events[: len(events) // 10])
        messages.collect(amqp_url, len(events) // 10, _BASELINE)
        seconds, cpu = baseline.publish(amqp_url, events)
        messages.collect(amqp_url, len(events), _BASELINE)
        return len(events) / seconds, 1e6 * cpu / len(events)

    return {_BASELINE: publish_baseline}


def _measures(measured: Sequence[Outbox], amqp_url: str = "") -> dict[str, Measure]:
    def drain(outbox: Outbox) -> Measure:
        def measure_outbox(events: Sequence[OutgoingEvent]) -> tuple[float, float]:
            some = events[: int(len(events) * outbox.share)]
            seconds, cpu = outbox.drain(some, amqp_url)
            return len(some) / seconds, 1e6 * cpu / len(some)

        return measure_outbox

    return {outbox.name: drain(outbox) for outbox in measured}


def _run(
    measures: dict[str, Measure], events: Sequence[OutgoingEvent], runs: int
) -> tuple[dict[str, Series], list[Series]]:
    rates: dict[str, list[float]] = {name: [] for name in measures}
    costs: dict[str, list[float]] = {name: [] for name in measures}
    for run in range(1, runs + 1):
        for name, measure in measures.items():
            rate, cost = measure(events)
            rates[name].append(rate)
            costs[name].append(cost)
            say(f"run {run} of {runs}: {name}: {rate:,.0f} events/s, {cost:,.0f} us of CPU each")
    return (
        {name: Series(name, "events/s", tuple(values)) for name, values in rates.items()},
        [Series(f"CPU of {name}", "us/event", tuple(values)) for name, values in costs.items()],
    )


def _report(
    events: Sequence[OutgoingEvent],
    rates: dict[str, Series],
    shop_outboxes: Sequence[Outbox],
    competitors: Sequence[Outbox],
) -> Report:
    names = ", ".join(queue.removesuffix(".events") for queue in messages.QUEUES)
    size = messages.average_size(events)
    what = f"{len(events):,} {messages.EVENT.__name__} of {size} bytes"
    report = Report(f"Relay: {what} to {len(messages.QUEUES)} quorum queues ({names})", [*rates.values()])
    best = max(
        (rates[competitor.name] for competitor in competitors), key=lambda series: series.median, default=None
    )
    for name in (outbox.name for outbox in shop_outboxes):
        report.series.append(rates[name].over(rates[_BASELINE], f"{name} / raw publishing"))
        if best:
            report.series.append(rates[name].over(best, f"{name} / {best.name}"))
    return report
