"""Renders the chain as a page: a Mermaid diagram of what follows from what, and a table of who reacts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from shop.choreography import CHAIN, Reaction
from shop.messaging.contracts import Event, Reminder

#: They listen to nearly everything and publish nothing: columns of the table, but no lines in the diagram.
LISTENERS = ("notifications", "analytics")

_PAGE = """\
# Choreography

Made by `manage.py choreography` from `shop/choreography.py`; do not edit it, a test fails when it is stale.

No step knows the next one. An app reacts to an event in a transaction of its own, and publishes there
what follows; a failure is an event too, and those who have something to undo react to it.

## What follows from what

An arrow leads from an event to what an app, named on the arrow, may publish in reaction. Rounded
boxes are reminders, which an app sends to itself later.

```mermaid
{diagram}
```

## Who reacts

Everybody's reaction to an event is one consumer, that is one Celery task, with one inbox. An app without
an arrow only remembers.

{table}
"""


def page(chain: Iterable[Reaction] = CHAIN) -> str:
    """The page in Markdown."""
    reactions = tuple(chain)
    return _PAGE.format(diagram="\n".join(_diagram(reactions)), table="\n".join(_table(reactions)))


def _diagram(chain: tuple[Reaction, ...]) -> Iterator[str]:
    yield "flowchart TD"
    for app, events in sorted(_by_publisher(chain).items()):
        yield f"    subgraph {app}"
        yield from (f"        {_node(event)}" for event in events)
        yield "    end"
    for reaction in chain:
        if outcomes := " & ".join(outcome.__name__ for outcome in reaction.outcomes):
            yield f"    {reaction.event.__name__} -- {reaction.app} --> {outcomes}"


def _by_publisher(chain: tuple[Reaction, ...]) -> dict[str, list[type[Event]]]:
    """The events of the chain by who publishes them, each once."""
    events: defaultdict[str, list[type[Event]]] = defaultdict(list)
    for event in dict.fromkeys(event for r in chain for event in (r.event, *r.outcomes)):
        events[event.app].append(event)
    return events


def _node(event: type[Event]) -> str:
    name = event.__name__
    return f"{name}([{name}])" if issubclass(event, Reminder) else f"{name}[{name}]"


def _table(chain: tuple[Reaction, ...]) -> Iterator[str]:
    yield f"| Event | What it says | Who reacts | {' | '.join(LISTENERS)} |"
    yield f"|---|---|---|{'---|' * len(LISTENERS)}"
    reactions: defaultdict[type[Event], list[Reaction]] = defaultdict(list)
    for reaction in chain:
        reactions[reaction.event].append(reaction)
    for event in sorted(reactions, key=lambda event: (event.app, event.__name__)):
        yield _row(event, reactions[event])


def _row(event: type[Event], reactions: list[Reaction]) -> str:
    apps = {reaction.app for reaction in reactions}
    who = "<br>".join(_reaction(r) for r in reactions if r.app not in LISTENERS)
    ticks = ("✓" if listener in apps else "" for listener in LISTENERS)
    says = (event.__doc__ or "").strip().splitlines()[0]
    return f"| `{event.app}.{event.__name__}` | {says} | {who} | {' | '.join(ticks)} |"


def _reaction(reaction: Reaction) -> str:
    outcomes = ", ".join(f"`{outcome.__name__}`" for outcome in reaction.outcomes)
    return f"**{reaction.app}** → {outcomes}" if outcomes else f"**{reaction.app}**"
