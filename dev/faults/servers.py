"""RabbitMQ and PostgreSQL are stopped, killed, frozen, choked, and throw their clients out."""

import json
from collections.abc import Iterator
from random import Random

from dev.faults.kinds import fault
from dev.faults.messages import channel_to
from dev.faults.world import World

_EXCHANGE = "shop.events"
_TERMINATE = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = 'shop' and pid <> pg_backend_pid() and backend_type = 'client backend'
"""


@fault("RabbitMQ stopped", target="RabbitMQ", lasts=(3, 15))
def rabbitmq_stopped(world: World, chance: Random) -> Iterator[None]:
    """An upgrade, say."""
    world.rabbitmq.stop()
    yield
    world.rabbitmq.start()


@fault("RabbitMQ killed", target="RabbitMQ", lasts=(1, 10))
def rabbitmq_killed(world: World, chance: Random) -> Iterator[None]:
    world.rabbitmq.kill()
    yield
    world.rabbitmq.start()


@fault("RabbitMQ frozen", target="RabbitMQ", lasts=(4, 25))
def rabbitmq_frozen(world: World, chance: Random) -> Iterator[None]:
    """SIGSTOP: its connections stay open, and nobody answers; longer than heartbeats, or shorter."""
    world.rabbitmq.pause()
    try:
        yield
    finally:
        world.rabbitmq.resume()


@fault("RabbitMQ's memory alarm", target="RabbitMQ", lasts=(4, 20))
def memory_alarm(world: World, chance: Random) -> Iterator[None]:
    """It reads no more from connections that publish."""
    world.rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1")
    yield
    world.rabbitmq.control("set_vm_memory_high_watermark", "absolute", "1GB")


@fault("RabbitMQ's disk alarm", target="RabbitMQ", lasts=(4, 20))
def disk_alarm(world: World, chance: Random) -> Iterator[None]:
    world.rabbitmq.control("set_disk_free_limit", "1000000GB")
    yield
    world.rabbitmq.control("set_disk_free_limit", "50MB")


@fault("queue unbound", target="RabbitMQ")
def queue_unbound(world: World, chance: Random) -> Iterator[None]:
    """Somebody's hand slips; nobody tells the shop."""
    listed = world.rabbitmq.control("list_bindings", "--formatter", "json")
    bindings = [b for b in json.loads(listed) if b["source_name"] == _EXCHANGE]
    bindings.sort(key=lambda b: (b["destination_name"], b["routing_key"]))
    binding = chance.choice(bindings)
    world.unbound.add(binding["destination_name"])
    with channel_to(world) as channel:
        channel.queue_unbind(binding["destination_name"], _EXCHANGE, binding["routing_key"])
    yield


@fault("PostgreSQL restarted at once", target="PostgreSQL")
def postgresql_restarted(world: World, chance: Random) -> Iterator[None]:
    """A crash: no checkpoint, no goodbye. Nothing else strikes meanwhile, for other faults need it."""
    world.postgres.crash()
    world.supervisor.sleep(chance.uniform(0, 6))
    world.postgres.start()
    yield


@fault("PostgreSQL's sessions ended", target="PostgreSQL")
def sessions_ended(world: World, chance: Random) -> Iterator[None]:
    world.rows(_TERMINATE)
    yield
