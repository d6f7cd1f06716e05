"""Catalogue of the events, rendered from the registered types and consumers, and from the golden files."""

import json
from collections import defaultdict
from collections.abc import Iterator

from shop.messaging.consuming import Consumer, consumers
from shop.messaging.contracts import Event, newest, sent_versions, versions
from shop.messaging.documents import outside_readers
from shop.messaging.documents.asyncapi import logged_types
from shop.messaging.documents.golden_files import path_of

_PAGE = """\
# Events

Rendered by `manage.py event_catalogue` from the events, the consumers and the golden files. Do not edit it:
a test fails when it is stale.

Each event is a CloudEvent; below is its `data`, as in a message to test a reader with. Schemas are in
[events/](events/) and in [asyncapi.json](asyncapi.json). *Sent* versions are published side by side; of the
others the log has old events, which are read in the newest version. Outside readers are the programs of
[consumers/](consumers/README.md). [choreography.md](choreography.md) shows what follows from what.

{contents}

{events}"""


def page() -> str:
    """Render the page in Markdown."""
    kinds = [kind for kind in logged_types() if newest(kind) is kind]
    return _PAGE.format(contents="\n".join(_contents(kinds)), events="\n".join(_sections(kinds)))


def _contents(kinds: list[type[Event]]) -> Iterator[str]:
    by_app: defaultdict[str, list[str]] = defaultdict(list)
    for kind in kinds:
        by_app[kind.app].append(f"[{kind.__name__}](#{kind.app}{kind.__name__.lower()})")
    for app, links in by_app.items():
        yield f"- **{app}**: {', '.join(links)}"


def _sections(kinds: list[type[Event]]) -> Iterator[str]:
    emitters, readers = _emitters(), outside_readers.by_type()
    for kind in kinds:
        yield f"## {kind.app}.{kind.__name__}\n"
        yield f"{_text(kind.__doc__)}\n"
        yield "| | |\n|---|---|"
        yield f"| versions | {_versions(kind)} |"
        yield f"| about | `{kind.aggregate}`, the subject |"
        yield f"| published by | {'<br>'.join(emitters[kind]) or f'services of {kind.app}, in no reaction'} |"
        yield f"| consumed by | {'<br>'.join(_consumers(kind)) or 'none: it is in the log alone'} |"
        if outside := sorted({name for version in versions(kind) for name in readers[version.type]}):
            yield f"| outside readers | {', '.join(outside)} |"
        yield f"\n```json\n{_sample(kind)}\n```\n"


def _emitters() -> defaultdict[type[Event], list[str]]:
    """Return the reactions that may publish each event."""
    found: defaultdict[type[Event], list[str]] = defaultdict(list)
    for consumer in consumers():
        for kind in consumer.emits:
            found[kind].append(f"`{consumer.name}`")
    return found


def _consumers(kind: type[Event]) -> Iterator[str]:
    """Yield the consumers of an event, each with what it does."""
    for consumer in consumers():
        if newest(consumer.event) is kind:
            does = _text(consumer.handler.__doc__).splitlines()[0]
            yield f"**{consumer.app}**{_version(consumer, kind)}: {does}"


def _version(consumer: Consumer, kind: type[Event]) -> str:
    return "" if consumer.event is kind else f" (version {consumer.event.version})"


def _versions(kind: type[Event]) -> str:
    if kind.logged_only:
        return f"[`{kind.type}`](events/{kind.type}.json), in the log alone"
    sent = sent_versions(kind)
    names = (f"[`{one.type}`](events/{one.type}.json)" + " sent" * (one in sent) for one in versions(kind))
    return ", ".join(names)


def _sample(kind: type[Event]) -> str:
    return json.dumps(json.loads(path_of(kind).read_text())["example"]["data"], indent=2, ensure_ascii=False)


def _text(docstring: str | None) -> str:
    """Return a docstring without its indentation."""
    return "\n".join(line.strip() for line in (docstring or "").strip().splitlines())
