"""The choreography as a graph: contexts, and an arrow from each to those that consume its events."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import hypot

from shop.messaging.consuming import Consumer
from shop.messaging.contracts import Reminder
from shop.messaging.operations.flow import ConsumerFlow

#: Size of the drawing, and of a context in it.
WIDTH, HEIGHT, BOX_WIDTH, BOX_HEIGHT = 900, 460, 150, 46
#: Centres of the contexts: the chain from left to right, what is fed on the side below.
_PLACES: Mapping[str, tuple[int, int]] = {
    "orders": (450, 60),
    "payments": (110, 200),
    "inventory": (450, 235),
    "shipping": (790, 200),
    "notifications": (170, 400),
    "analytics": (450, 400),
    "integrations": (730, 400),
}
#: Distance in the drawing between an arrow and the one in the other direction.
_ASIDE = 9


@dataclass(frozen=True, slots=True)
class Place:
    """A context in the drawing."""

    name: str
    x: int
    y: int
    #: No living worker serves its events queue.
    is_down: bool
    #: Messages in its events queue; None if the bus does not tell.
    waiting: int | None


@dataclass(slots=True)
class Arrow:
    """Events of one context that another consumes, with the flow of all their consumers."""

    source: str
    target: str
    consumers: list[tuple[Consumer, ConsumerFlow]] = field(default_factory=list)
    is_down: bool = False

    @property
    def a_minute(self) -> int:
        """Events consumed in the past minute."""
        return sum(flow.a_minute for _, flow in self.consumers)

    @property
    def p99(self) -> float | None:
        """The greatest of the consumers' 99th percentiles of the critical time, in seconds."""
        known = [flow.p99 for _, flow in self.consumers if flow.p99 is not None]
        return max(known, default=None)

    @property
    def retries(self) -> int:
        """Events that are tried again."""
        return sum(flow.retries for _, flow in self.consumers)

    @property
    def held(self) -> int:
        """Events that wait for others, or for a paused consumer."""
        return sum(flow.held + flow.deferred for _, flow in self.consumers)

    @property
    def dead(self) -> int:
        """Open dead letters."""
        return sum(flow.dead for _, flow in self.consumers)

    @property
    def is_paused(self) -> bool:
        """True if one of the consumers is paused."""
        return any(flow.is_paused for _, flow in self.consumers)

    @property
    def state(self) -> str:
        """``down``, ``failing``, ``late``, ``busy`` or ``idle``."""
        if self.is_down:
            return "down"
        if self.is_paused or self.dead:
            return "failing"
        if self.retries:
            return "late"
        return "busy" if self.a_minute else "idle"

    @property
    def path(self) -> str:
        """The arrow as a path of SVG, from edge to edge."""
        (x1, y1), (x2, y2) = _PLACES[self.source], _PLACES[self.target]
        length = hypot(x2 - x1, y2 - y1)
        ux, uy = (x2 - x1) / length, (y2 - y1) / length
        reach = min(BOX_WIDTH / 2 / (abs(ux) or 1e-9), BOX_HEIGHT / 2 / (abs(uy) or 1e-9)) + 6
        dx, dy = -uy * _ASIDE, ux * _ASIDE
        begin = x1 + ux * reach + dx, y1 + uy * reach + dy
        end = x2 - ux * reach + dx, y2 - uy * reach + dy
        return f"M{begin[0]:.0f},{begin[1]:.0f} L{end[0]:.0f},{end[1]:.0f}"

    @property
    def label_at(self) -> tuple[int, int]:
        """Place of the label, nearer to the target so that those of crossing arrows keep apart."""
        (x1, y1), (x2, y2) = _PLACES[self.source], _PLACES[self.target]
        length = hypot(x2 - x1, y2 - y1)
        share = 0.56
        aside = _ASIDE + 10
        x = x1 + (x2 - x1) * share - (y2 - y1) / length * aside
        y = y1 + (y2 - y1) * share + (x2 - x1) / length * aside
        return round(x), round(y) + 4


def arrows(
    registered: Sequence[Consumer], flows: Mapping[str, ConsumerFlow], served: frozenset[str]
) -> list[Arrow]:
    """Return the arrows between contexts that have a place, by source and target.

    Args:
        registered: the consumers.
        flows: flow by the name of the consumer.
        served: events queues that a living worker serves.
    """
    found: defaultdict[tuple[str, str], list[tuple[Consumer, ConsumerFlow]]] = defaultdict(list)
    for consumer in registered:
        source, target = consumer.event.app, consumer.app
        if (
            source != target
            and {source, target} <= _PLACES.keys()
            and not issubclass(consumer.event, Reminder)
        ):
            found[source, target].append((consumer, flows.get(consumer.name, ConsumerFlow())))
    return [
        Arrow(source, target, consumers, is_down=f"{target}.events" not in served)
        for (source, target), consumers in sorted(found.items())
    ]


def places(served: frozenset[str], depths: Mapping[str, int]) -> list[Place]:
    """Return the contexts with the depth of their events queues."""
    return [
        Place(name, x, y, f"{name}.events" not in served, depths.get(f"{name}.events"))
        for name, (x, y) in _PLACES.items()
    ]
