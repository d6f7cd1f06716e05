"""Contracts of outside readers: the fields of events that each of them needs, in ``docs/consumers``.

A reader lists what it reads. A change that takes any of it away names the reader before it is made.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from shop.messaging.contracts import newest, sent_versions
from shop.messaging.documents.asyncapi import logged_types
from shop.messaging.documents.schemas import schema_of

FOLDER = Path(settings.BASE_DIR) / "docs" / "consumers"


@dataclass(frozen=True)
class OutsideReader:
    """A program that reads events, with the fields that it needs, by event type."""

    name: str
    #: Whom to ask before a change.
    contact: str
    #: Event type -> paths of fields, as in ``lines[].sku``, and their JSON types.
    reads: Mapping[str, Mapping[str, str]]


@cache
def readers(folder: Path = FOLDER) -> tuple[OutsideReader, ...]:
    """Return the readers that have a contract."""
    return tuple(
        OutsideReader(path.stem, **json.loads(path.read_text())) for path in sorted(folder.glob("*.json"))
    )


def by_type() -> defaultdict[str, list[str]]:
    """Return the names of the readers by event type."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for reader in readers():
        for type_ in reader.reads:
            names[type_].append(reader.name)
    return names


def hurt(schemas: Mapping[str, dict[str, Any]] | None = None, folder: Path = FOLDER) -> list[str]:
    """Return, for each reader, what of its contract does not hold; it names whom to ask.

    Args:
        schemas: of the data of the events that are sent, by type; by default those of the code.
        folder: of the contracts.
    """
    sent = _sent() if schemas is None else schemas
    return [
        f"{reader.name} ({reader.contact}) reads {type_}: {problem}"
        for reader in readers(folder)
        for type_, fields in reader.reads.items()
        for problem in _problems(sent.get(type_), fields)
    ]


def _sent() -> dict[str, dict[str, Any]]:
    newest_kinds = [kind for kind in logged_types() if newest(kind) is kind and not kind.logged_only]
    return {kind.type: schema_of(kind) for new in newest_kinds for kind in sent_versions(new)}


def _problems(schema: dict[str, Any] | None, fields: Mapping[str, str]) -> Iterator[str]:
    if schema is None:
        yield "it is not sent any more"
        return
    for path, kind in fields.items():
        found = _field(schema, path)
        if found is None:
            yield f"{path} is gone, or may be missing"
        elif found.get("type") != kind:
            yield f"{path} is {found.get('type', 'of several types')} instead of {kind}"


def _field(schema: dict[str, Any], path: str) -> dict[str, Any] | None:
    """Return the schema of a field that is always there; None if it may be missing."""
    for step in path.split("."):
        name = step.removesuffix("[]")
        if name not in schema.get("required", ()):
            return None
        schema = schema["properties"][name]
        schema = schema["items"] if step.endswith("[]") else schema
    return schema
