"""Faults of servers: RabbitMQ and PostgreSQL are stopped, killed, suspended or out of resources."""

import json
from collections.abc import Iterator
from random import Random

from dev.faults.kinds import fault
from dev.faults.messages import channel_to
from dev.faults.system import System

_EXCHANGE = "shop.events"
_TERMINATE = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = 'shop' and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


@fault("RabbitMQ stopped", target="RabbitMQ", duration=(3, 15))
def rabbitmq_stopped(system: System, chance: Random) -> Iterator[None]:
    """Shut down and start again, as an upgrade does."""
    system.rabbitmq.stop()
    yield
    system.rabbitmq.start()


@fault("RabbitMQ killed", target="RabbitMQ", duration=(1, 10))
def rabbitmq_killed(system: System, chance: Random) -> Iterator[None]:
    system.rabbitmq.kill()
    yield
    system.rabbitmq.start()


@fault("RabbitMQ frozen", target="RabbitMQ", duration=(4, 25))
def rabbitmq_frozen(system: System, chance: Random) -> Iterator[None]:
    """Suspend with SIGSTOP: connections stay open without answers, for more or less than a heartbeat."""
    system.rabbitmq.pause()
    try:
        yield
    finally:
        system.rabbitmq.resume()


@fault("RabbitMQ's memory alarm", target="RabbitMQ", duration=(4, 20))
def memory_alarm(system: System, chance: Random) -> Iterator[None]:
    """RabbitMQ reads no more from publishing connections."""
    system.rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1")
    yield
    system.rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1GB")


@fault("RabbitMQ's disk alarm", target="RabbitMQ", duration=(4, 20))
def disk_alarm(system: System, chance: Random) -> Iterator[None]:
    system.rabbitmq.control("set_disk_free_limit", "1000000GB")
    yield
    system.rabbitmq.control("set_disk_free_limit", "50MB")


@fault("queue unbound", target="RabbitMQ")
def queue_unbound(system: System, chance: Random) -> Iterator[None]:
    """Remove a binding, as an operator's mistake would."""
    listed = system.rabbitmq.control("list_bindings", "--formatter", "json")
    bindings = [b for b in json.loads(listed) if b["source_name"] == _EXCHANGE]
    bindings.sort(key=lambda b: (b["destination_name"], b["routing_key"]))
    binding = chance.choice(bindings)
    system.unbound.add(binding["destination_name"])
    with channel_to(system) as channel:
        channel.queue_unbind(binding["destination_name"], _EXCHANGE, binding["routing_key"])
    yield


@fault("PostgreSQL restarted at once", target="PostgreSQL")
def postgresql_restarted(system: System, chance: Random) -> Iterator[None]:
    """Crash and restart. No other fault starts meanwhile: they need the database."""
    system.postgres.crash()
    system.supervisor.sleep(chance.uniform(0, 6))
    system.postgres.start()
    yield


@fault("PostgreSQL's sessions ended", target="PostgreSQL")
def sessions_ended(system: System, chance: Random) -> Iterator[None]:
    system.rows(_TERMINATE)
    yield
