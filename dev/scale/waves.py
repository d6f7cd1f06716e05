"""Waves of orders over HTTP, worked off by as many workers as the autoscaler asks for."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from dev.bench import messages
from dev.bench.intake.web import client_argv
from dev.bench.servers import HOME
from dev.console import say
from dev.errors import ScriptError, ServerFailed
from dev.processes import children
from dev.scale.autoscaler import Autoscaler
from dev.scale.fleet import Fleet
from dev.scale.rule import SYNC_SECONDS, Rule
from shop.settings import CONTEXTS

#: Seconds without progress after which the run fails.
_IDLE_TIMEOUT = 180.0
_STATE = """
    select (select count(*) from orders_order),
           (select count(*) from messaging_eventrecord where type = 'shipping.OrderShipped.v2'),
           (select count(*) from orders_order where status not in ('delivered', 'cancelled')),
           (select count(*) from messaging_outboxentry),
           (select coalesce(max(id), 0) from messaging_inboxentry)
"""
#: Queues of events, and of Celery's own tasks: both triggers of a ScaledObject.
_QUEUES = [name for context in CONTEXTS for name in (f"{context}.events", context)]


@dataclass(frozen=True)
class Sample:
    """State of the shop at one decision."""

    at: float
    accepted: int
    shipped: int
    unfinished: int
    outbox: int
    consumed: int
    depth: int
    asked: int
    workers: int
    leaving: int
    #: CPU seconds of all workers so far, and the memory of those that run in MB.
    cpu: float
    memory: float
    load: float

    @property
    def is_quiet(self) -> bool:
        """True if no work is left."""
        return not (self.unfinished or self.outbox or self.depth)


@dataclass
class Waves:
    """Waves of orders against a fleet."""

    fleet: Fleet
    broker_url: str
    rule: Rule
    #: Factor by which the times of the rule are shortened.
    speed: float
    clients: int = 8

    def run(self, waves: Sequence[int]) -> Iterator[Sample]:
        """Yield a sample for each decision. After each wave all is worked off and one worker is left."""
        quick = replace(self.rule, stabilization=self.rule.stabilization / self.speed)
        self._autoscaler, self._started = Autoscaler(quick), time.monotonic()
        for orders in waves:
            say(f"a wave of {orders:,} orders")
            argv = client_argv(self.fleet, HOME / "answers.json", clients=self.clients, limit=orders)
            ordering = children.start_child(argv, env=self.fleet.env, log=HOME / "log" / "clients.log")
            try:
                yield from self._follow(ordering)
            finally:
                children.stop_children([ordering])

    def _follow(self, ordering: children.Child) -> Iterator[Sample]:
        progress, before = time.monotonic(), (-1, -1)
        while True:
            sample = self._decide()
            yield sample
            if children.has_ended(ordering):
                if code := ordering.wait():
                    raise ServerFailed("the clients", f"failed with {code}", HOME / "log" / "clients.log")
                if sample.is_quiet and (sample.workers, sample.leaving) == (self.rule.minimum, 0):
                    return
            now = sample.consumed + sample.accepted, sample.workers + sample.leaving
            progress, before = (time.monotonic() if now != before else progress), now
            if time.monotonic() - progress > _IDLE_TIMEOUT:
                raise ScriptError(f"the shop does not get quiet: {sample}. See the logs in {HOME}.")
            self._sleep(SYNC_SECONDS / self.speed)

    def _sleep(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.fleet.tend()
            time.sleep(min(0.1, left))

    def _decide(self) -> Sample:
        """Look at the queues, resize the fleet, and return what was seen before."""
        now, workers, leaving = time.monotonic() - self._started, self.fleet.size, self.fleet.leaving
        with messages.connect(self.broker_url) as connection:
            channel = connection.channel()
            depths = [messages.depth(channel, queue) for queue in _QUEUES]
        asked = self._autoscaler.decide(depths, now=now)
        ((accepted, shipped, unfinished, outbox, consumed),) = self.fleet.rows(_STATE)
        seconds, memory = self.fleet.usage()
        sample = Sample(
            now,
            accepted,
            shipped,
            unfinished,
            outbox,
            consumed,
            max(depths),
            asked,
            workers,
            leaving,
            seconds,
            memory,
            os.getloadavg()[0],
        )
        self.fleet.resize(asked)
        return sample
