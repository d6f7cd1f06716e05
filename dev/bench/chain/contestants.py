"""Contestants of the measurements of chain and latency, on the same servers."""

import contextlib
from collections.abc import Iterator, Sequence

from dev.bench import servers
from dev.bench.chain import competitors as competing
from dev.bench.chain.race import Contestant
from dev.bench.chain.shop_contestant import Shop
from dev.bench.deployment import deployment_on
from dev.bench.layouts import Layout
from dev.bench.servers import EVENT_BUS_NAMES, EventBusServer, pid_of
from dev.console import say
from dev.servers.infrastructure import RABBITMQ
from dev.servers.postgres import Postgres
from dev.servers.rabbitmq import RabbitMQ


@contextlib.contextmanager
def prepared(
    brokers: Sequence[str], layout: Layout, *, competitors: bool, metrics: bool = False
) -> Iterator[tuple[list[Shop], list[Contestant]]]:
    """Yield the shop on each broker, and the competitors, with their tables on running servers.

    With ``metrics`` the shop is there without and with them.
    """
    with contextlib.ExitStack() as stack:
        postgres = stack.enter_context(servers.empty_postgres())
        needed = competitors or RABBITMQ in brokers
        rabbitmq = stack.enter_context(servers.empty_rabbitmq()) if needed else None
        buses = {
            kind: stack.enter_context(servers.empty_event_bus(kind))
            for kind in brokers
            if kind in EVENT_BUS_NAMES
        }
        shops = [
            _shop_on(broker, postgres, rabbitmq, buses.get(broker), layout, metrics=with_metrics)
            for broker in brokers
            for with_metrics in ((False, True) if metrics else (False,))
        ]
        others = _competitors(postgres, rabbitmq) if competitors and rabbitmq else []
        for contestant in [*shops, *others]:
            say(f"Preparing {contestant.name} ...")
            contestant.prepare()
        yield shops, others


def _shop_on(
    broker: str,
    postgres: Postgres,
    rabbitmq: RabbitMQ | None,
    bus: EventBusServer | None,
    layout: Layout,
    *,
    metrics: bool,
) -> Shop:
    pids = {"PostgreSQL": pid_of(postgres)}
    if broker == RABBITMQ and rabbitmq:
        pids["RabbitMQ"] = pid_of(rabbitmq)
    if bus:
        pids[EVENT_BUS_NAMES[broker]] = pid_of(bus)
    shop = deployment_on(broker, postgres, layout, rabbitmq=rabbitmq, bus=bus, metrics=metrics)
    return Shop(shop, pids)


def _competitors(postgres: Postgres, rabbitmq: RabbitMQ) -> list[Contestant]:
    database = {"PostgreSQL": pid_of(postgres)}
    both = {**database, "RabbitMQ": pid_of(rabbitmq)}
    return [
        competing.procrastinate(postgres, database),
        competing.dbos(postgres, database),
        competing.idiomatic_celery(postgres, rabbitmq, both),
    ]
