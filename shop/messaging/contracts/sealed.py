"""Sealed fields of events: personal facts, encrypted under the key of a data subject.

An event class only names what a field seals. Sealing and opening are the work of :mod:`shop.privacy`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from shop.messaging.contracts.facts import Fact

if TYPE_CHECKING:
    from shop.messaging.contracts.event import Event

E = TypeVar("E", bound="Event")

#: In the place of a name or an address that was erased.
ERASED = "erased"

#: Prefix of facts that were never sealed. No sealed text begins like this: base64 has no colon.
_CLEAR = "clear:"


@dataclass(frozen=True, slots=True)
class Seals:
    """Annotation of a field that holds sealed facts: ``personal: Annotated[str, Seals(Customer)]``.

    The class of the facts has a classmethod ``erased()``, which returns them without the person.
    """

    facts: type[Fact]
    #: Facts of one purpose cannot be opened as those of another.
    purpose: str = "personal"

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """Describe the field as text that only the shop can read."""
        return {
            **handler(schema),
            "contentEncoding": "base64",
            "description": f"Encrypted ({self.purpose}): {', '.join(self.facts.model_fields)}.",
            "examples": ["c2VhbGVk"],
        }


@cache
def seals_of(kind: type[Event]) -> dict[str, Seals]:
    """Return the sealed fields of an event class."""
    found = {
        name: [x for x in field.metadata if isinstance(x, Seals)] for name, field in kind.model_fields.items()
    }
    return {name: seals[0] for name, seals in found.items() if seals}


def from_clear(kind: type[E], old: Event) -> E:
    """Return an event from before its facts were sealed as one of the class that seals fields of these names.

    Only ``upcast`` calls it. The facts live in memory alone: an upcast event is never published.
    """
    kept = {name: getattr(old, name) for name in kind.model_fields if hasattr(old, name)}
    facts = {name: _in_clear(seals.facts, old) for name, seals in seals_of(kind).items()}
    return kind(subject_id=None, **kept, **facts)


def _in_clear(facts: type[Fact], old: Event) -> str:
    """Return what takes the place of the sealed text."""
    return _CLEAR + facts(**{name: getattr(old, name) for name in facts.model_fields}).model_dump_json()


def clear_text(text: str) -> str | None:
    """Return the JSON of facts that were never sealed; None for a sealed text."""
    return text.removeprefix(_CLEAR) if text.startswith(_CLEAR) else None
