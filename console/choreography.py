"""Choreography page, rendered from the registered consumers: diagram, reactions, emitters."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from django.apps import apps

from shop.messaging.consuming import Consumer, consumers
from shop.messaging.contracts import Event, Reminder

_PAGE = """\
# Choreography

Rendered by `manage.py choreography` from the consumers (`@consumes(..., emits=...)`). Do not edit it: a test
fails when it is stale.

No step knows the next one. An app reacts to an event in a transaction of its own, and publishes there
what follows. A failure is an event too, and those who have something to undo react to it.

## What follows from what

An arrow leads from an event to what an app, named on the arrow, may publish in reaction. Rounded
boxes are reminders, which an app sends to itself later.

```mermaid
{diagram}
```

## Who reacts

A reaction is one consumer: one Celery task, with one inbox. An app without an arrow only remembers.

{reactions}

## Who may emit what

The kernel refuses any other event that a consumer publishes. Services called by people publish as well:
they begin an order, or ask for its end.

{emitters}
"""


def page(registered: Iterable[Consumer] | None = None) -> str:
    """Render the page in Markdown.

    Args:
        registered: consumers to show; by default those of the installed apps.
    """
    chain = _in_order_of_events(_installed() if registered is None else list(registered))
    return _PAGE.format(
        diagram="\n".join(_diagram(chain)),
        reactions="\n".join(_reactions(chain)),
        emitters="\n".join(_emitters(chain)),
    )


def _installed() -> list[Consumer]:
    return [consumer for consumer in consumers() if apps.is_installed(consumer.app)]


def _in_order_of_events(registered: Sequence[Consumer]) -> list[Consumer]:
    """Sort the consumers along the chain: depth-first from the events that no consumer emits."""
    by_event: defaultdict[type[Event], list[Consumer]] = defaultdict(list)
    for consumer in registered:
        by_event[consumer.event].append(consumer)
    emitted = {event for consumer in registered for event in consumer.emits}
    roots = [event for event in by_event if event not in emitted and not issubclass(event, Reminder)]
    queue = list(dict.fromkeys([*roots, *by_event]))
    ordered: dict[type[Event], None] = {}
    while queue:
        event = queue.pop(0)
        if event in ordered:
            continue
        ordered[event] = None
        following = [outcome for consumer in by_event[event] for outcome in consumer.emits]
        queue = [*(other for other in following if other in by_event), *queue]
    return [consumer for event in ordered for consumer in by_event[event]]


def _listeners(chain: Sequence[Consumer]) -> list[str]:
    """Return the apps whose consumers publish nothing: columns of the table, absent from the diagram."""
    publishing = {consumer.app for consumer in chain if consumer.emits}
    return sorted({consumer.app for consumer in chain} - publishing)


def _diagram(chain: Sequence[Consumer]) -> Iterator[str]:
    yield "flowchart TD"
    for app, events in sorted(_by_publisher(chain).items()):
        yield f"    subgraph {app}"
        yield from (f"        {_node(event)}" for event in events)
        yield "    end"
    for consumer in chain:
        if outcomes := " & ".join(outcome.__name__ for outcome in consumer.emits):
            yield f"    {consumer.event.__name__} -- {consumer.app} --> {outcomes}"


def _by_publisher(chain: Sequence[Consumer]) -> dict[str, list[type[Event]]]:
    """Return the distinct events of the chain by publishing app."""
    events: defaultdict[str, list[type[Event]]] = defaultdict(list)
    for event in dict.fromkeys(event for c in chain for event in (c.event, *c.emits)):
        events[event.app].append(event)
    return events


def _node(event: type[Event]) -> str:
    name = event.__name__
    return f"{name}([{name}])" if issubclass(event, Reminder) else f"{name}[{name}]"


def _reactions(chain: Sequence[Consumer]) -> Iterator[str]:
    listeners = _listeners(chain)
    yield f"| Event | Meaning | Who reacts | {' | '.join(listeners)} |"
    yield f"|---|---|---|{'---|' * len(listeners)}"
    reacting: defaultdict[type[Event], list[Consumer]] = defaultdict(list)
    for consumer in chain:
        reacting[consumer.event].append(consumer)
    for event in sorted(reacting, key=lambda event: event.type):
        yield _row(event, reacting[event], listeners)


def _row(event: type[Event], reacting: Sequence[Consumer], listeners: Sequence[str]) -> str:
    reactions = "<br>".join(_reaction(consumer) for consumer in reacting if consumer.app not in listeners)
    listening = {consumer.app for consumer in reacting}
    ticks = ("✓" if listener in listening else "" for listener in listeners)
    return f"| `{event.app}.{event.__name__}` | {_meaning(event)} | {reactions} | {' | '.join(ticks)} |"


def _reaction(consumer: Consumer) -> str:
    outcomes = ", ".join(f"`{outcome.__name__}`" for outcome in consumer.emits)
    return f"**{consumer.app}** → {outcomes}" if outcomes else f"**{consumer.app}**"


def _emitters(chain: Sequence[Consumer]) -> Iterator[str]:
    yield "| Event | Emitted by |"
    yield "|---|---|"
    emitting: defaultdict[type[Event], list[str]] = defaultdict(list)
    for consumer in chain:
        for outcome in consumer.emits:
            emitting[outcome].append(f"`{consumer.name}`")
    shared = {event for event in (*emitting, *(c.event for c in chain)) if not issubclass(event, Reminder)}
    for event in sorted(shared, key=lambda event: event.type):
        by = "<br>".join(sorted(emitting[event])) or f"services of {event.app}, in no reaction"
        yield f"| `{event.app}.{event.__name__}` | {by} |"


def _meaning(event: type[Event]) -> str:
    return (event.__doc__ or "").strip().splitlines()[0]
