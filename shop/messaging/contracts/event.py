"""Events: frozen, typed, versioned facts. Imports no Django, so that any program may read them."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import PrivateAttr

from shop.messaging.contracts.facts import Fact
from shop.messaging.errors import UnknownEventType

_EVENT_TYPES: dict[str, type[Event]] = {}

#: Name of a type -> the version that replaces it.
_REPLACED_BY: dict[str, type[Event]] = {}

_CAMEL_CASE = re.compile(r"([A-Z][a-z]+){2,}")


@dataclass(frozen=True, slots=True)
class Meta:
    """What the log knows of a published event besides its data."""

    id: UUID
    time: datetime
    #: The id shared by all that one request set off.
    correlation_id: UUID
    #: The id of the event whose consumption published this one.
    causation_id: UUID | None = None
    #: W3C Trace Context of the publisher.
    traceparent: str | None = None


class Event(Fact):
    """A fact that has happened; subclass it in an app's ``events.py`` and name it in the past tense.

    Class keywords: ``version`` (default 1) and ``aggregate``, the field with the id of what the event
    is about (default ``order_id``). Events about one aggregate keep their order on the way. ``begins`` says
    that there can be none about the aggregate before it, for its id is made in the same transaction; it holds
    for later versions as well.

    A version after the first says ``replaces=`` which one, and how to :meth:`upcast` that; and how to
    :meth:`downcast` itself for as long as anybody reads the old one. See docs/development.md.
    """

    #: The app that publishes it, from the module it stands in.
    app: ClassVar[str]
    version: ClassVar[int]
    aggregate: ClassVar[str]
    begins: ClassVar[bool]
    #: The one name of the event everywhere, as in ``orders.OrderCreated.v1``.
    type: ClassVar[str]
    #: The version before this one; None for the first.
    replaces: ClassVar[builtins.type[Event] | None]

    _meta: Meta | None = PrivateAttr(default=None)

    def __init_subclass__(
        cls,
        *,
        version: int = 1,
        aggregate: str = "order_id",
        begins: bool = False,
        replaces: builtins.type[Event] | None = None,
        **kwargs: Any,
    ) -> None:
        """Let the class keywords pass; they are read once pydantic knows the fields."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        version: int = 1,
        aggregate: str = "order_id",
        begins: bool = False,
        replaces: builtins.type[Event] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__module__ == __name__:
            return
        name = cls.__name__.removesuffix(f"V{version}")
        if not _CAMEL_CASE.fullmatch(name):
            raise TypeError(f"{name}: name an event in the past tense and CamelCase, as in OrderCreated")
        if aggregate not in cls.model_fields:
            raise TypeError(f"{name}: it has no field {aggregate!r}; say aggregate=<field>")
        cls.app, cls.version, cls.aggregate = cls.__module__.split(".")[0], version, aggregate
        cls.type, cls.replaces = f"{cls.app}.{name}.v{version}", replaces
        cls.begins = begins or (replaces is not None and replaces.begins)
        registered = _EVENT_TYPES.setdefault(cls.type, cls)
        if registered.__qualname__ != cls.__qualname__:
            raise TypeError(f"{cls.type} is defined twice")
        if replaces:
            _check_replaces(cls, replaces)
            _REPLACED_BY[replaces.type] = cls

    @classmethod
    def upcast(cls, old: Any) -> Self:
        """The fact that ``old``, of the version before, tells of. Every version but the first has one."""
        raise NotImplementedError

    def downcast(self) -> Event | None:
        """The same fact in the version before, for those who still read that; None once nobody does."""
        return None

    @property
    def aggregate_id(self) -> UUID:
        """The id of what the event is about."""
        value: UUID = getattr(self, self.aggregate)
        return value

    @property
    def meta(self) -> Meta:
        """Id, time and origin of a published event; an error before it is published."""
        meta: Meta | None = _private(self)["_meta"]
        if meta is None:
            raise AttributeError(f"{self.type} has not been published: it has no meta yet")
        return meta

    def with_meta(self, meta: Meta) -> Self:
        """Return the same fact, known to the log under ``meta``."""
        return self.model_copy().become_known(meta)

    def become_known(self, meta: Meta) -> Self:
        """Take ``meta`` on and return itself; for whoever has just made it and shares it with nobody."""
        _private(self)["_meta"] = meta
        return self


class Reminder(Event):
    """An event that an app sends to itself later: a durable timer. It is neither logged nor shared."""


def _private(event: Event) -> dict[str, Any]:
    """Its private attributes, which pydantic finds a hundred times slower."""
    attributes = event.__pydantic_private__
    assert attributes is not None  # noqa: S101 - every event has some
    return attributes


def _check_replaces(new: type[Event], old: type[Event]) -> None:
    same_fact = old.type.removesuffix(f"v{old.version}") == new.type.removesuffix(f"v{new.version}")
    if not same_fact or old.version >= new.version:
        raise TypeError(f"{new.type} cannot replace {old.type}: it is no earlier version of it")
    if new.upcast.__func__ is Event.upcast.__func__:  # type: ignore[attr-defined]
        raise TypeError(f"{new.type} replaces {old.type}: define the classmethod upcast(cls, old)")


def newest(kind: type[Event]) -> type[Event]:
    """The version that replaces all others of this fact."""
    while later := _REPLACED_BY.get(kind.type):
        kind = later
    return kind


def is_replaced(type: str) -> bool:
    """Whether there is a newer version of the type called ``type``."""
    return type in _REPLACED_BY


def event_types() -> Iterator[type[Event]]:
    """All event types that have been imported, by name."""
    return (_EVENT_TYPES[name] for name in sorted(_EVENT_TYPES))


def event_type(name: str) -> type[Event]:
    """The event type called ``name``; :class:`UnknownEventType` if there is none."""
    try:
        return _EVENT_TYPES[name]
    except KeyError:
        raise UnknownEventType(f"no event type {name!r} is known here") from None
