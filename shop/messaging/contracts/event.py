"""Events: frozen, typed, versioned facts. Usable without Django."""

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

#: Name of a type -> its class.
_EVENT_TYPES: dict[str, type[Event]] = {}

#: Name of a type -> the version that replaces it.
_REPLACED_BY: dict[str, type[Event]] = {}

_set = object.__setattr__
_CAMEL_CASE = re.compile(r"([A-Z][a-z]+){2,}")


@dataclass(frozen=True, slots=True)
class Meta:
    """Metadata of a published event: identity, time and trace."""

    id: UUID
    time: datetime
    #: Id shared by all events that follow from one request.
    correlation_id: UUID
    #: Id of the event whose consumption published this one.
    causation_id: UUID | None = None
    #: W3C Trace Context of the publisher.
    traceparent: str | None = None


class Event(Fact):
    """Base class of events: business facts, declared in an app's ``events.py`` and named in the past tense.

    A later version of an event names the version before it as ``replaces`` and defines :meth:`upcast`. It
    defines :meth:`downcast` as long as a reader of the old version exists. See docs/development.md.

    Class keywords:
        version: number of the version.
        aggregate: the field with the id of the aggregate. Events about one aggregate keep their order.
        begins: this event is always the first about its aggregate, because the same transaction creates the
            aggregate's id. Later versions inherit it.
        replaces: the version before this one.
        logged_only: no app consumes this event: it is in the log, and is not sent.
    """

    #: The app that publishes the event, from the name of its module.
    app: ClassVar[str]
    version: ClassVar[int]
    aggregate: ClassVar[str]
    begins: ClassVar[bool]
    logged_only: ClassVar[bool]
    #: Full name of the event, as in ``orders.OrderCreated.v1``.
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
        logged_only: bool = False,
        **kwargs: Any,
    ) -> None:
        """Accept the class keywords; __pydantic_init_subclass__() reads them once the fields are known."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        version: int = 1,
        aggregate: str = "order_id",
        begins: bool = False,
        replaces: builtins.type[Event] | None = None,
        logged_only: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__module__ == __name__:
            return
        name = cls.__name__.removesuffix(f"V{version}")
        if not _CAMEL_CASE.fullmatch(name):
            raise TypeError(f"{name}: name an event in the past tense and CamelCase, as in OrderCreated")
        if aggregate not in cls.model_fields:
            raise TypeError(f"{name} has no field {aggregate!r}; declare aggregate=<field>")
        cls.app, cls.version, cls.aggregate = cls.__module__.split(".")[0], version, aggregate
        cls.type, cls.replaces = f"{cls.app}.{name}.v{version}", replaces
        cls.logged_only = logged_only
        cls.begins = begins or (replaces is not None and replaces.begins)
        cls.model_post_init = _begin_without_meta  # type: ignore[assignment, method-assign]
        registered = _EVENT_TYPES.setdefault(cls.type, cls)
        if registered.__qualname__ != cls.__qualname__:
            raise TypeError(f"{cls.type} is defined twice")
        if replaces:
            _check_replaces(cls, replaces)
            _REPLACED_BY[replaces.type] = cls

    @classmethod
    def upcast(cls, old: Any) -> Self:
        """Convert an event of the version before; required in every version but the first."""
        raise NotImplementedError

    def downcast(self) -> Event | None:
        """Convert to the version before; None if no reader of that is left."""
        return None

    @property
    def aggregate_id(self) -> UUID:
        """Id of the aggregate that the event is about."""
        value: UUID = getattr(self, self.aggregate)
        return value

    @property
    def meta(self) -> Meta:
        """Metadata of a published event; AttributeError if it has not been published."""
        meta: Meta | None = _private(self)["_meta"]
        if meta is None:
            raise AttributeError(f"{self.type} has not been published: it has no meta yet")
        return meta

    def with_meta(self, meta: Meta) -> Self:
        """Return a copy of the event with ``meta``, as model_copy() does in three times as long."""
        copy = self.__class__.__new__(self.__class__)
        _set(copy, "__dict__", self.__dict__.copy())
        _set(copy, "__pydantic_fields_set__", self.__pydantic_fields_set__.copy())
        _set(copy, "__pydantic_extra__", None)
        _set(copy, "__pydantic_private__", {"_meta": meta})
        return copy

    def attach_meta(self, meta: Meta) -> Self:
        """Set ``meta`` in place and return the event. Only for an event that is not shared yet."""
        _private(self)["_meta"] = meta
        return self


class Reminder(Event):
    """Base class of durable timers: events that an app schedules for itself. They are not logged."""


def _begin_without_meta(event: Event, context: Any, /) -> None:
    """Set up the only private attribute, where pydantic would go through all of each class in the line."""
    _set(event, "__pydantic_private__", {"_meta": None})


def _private(event: Event) -> dict[str, Any]:
    """Return the private attributes, a hundred times faster than attribute access through pydantic."""
    attributes = event.__pydantic_private__
    assert attributes is not None  # noqa: S101 - every event has _meta
    return attributes


def _check_replaces(new: type[Event], old: type[Event]) -> None:
    same_fact = old.type.removesuffix(f"v{old.version}") == new.type.removesuffix(f"v{new.version}")
    if not same_fact or old.version >= new.version:
        raise TypeError(f"{new.type} cannot replace {old.type}: that is no earlier version of it")
    if new.upcast.__func__ is Event.upcast.__func__:  # type: ignore[attr-defined]
        raise TypeError(f"{new.type} replaces {old.type}: define the classmethod upcast(cls, old)")


def newest(kind: type[Event]) -> type[Event]:
    """Return the newest version of an event."""
    while later := _REPLACED_BY.get(kind.type):
        kind = later
    return kind


def is_replaced(type: str) -> bool:
    """Return whether a newer version of the type named ``type`` exists."""
    return type in _REPLACED_BY


def event_types() -> Iterator[type[Event]]:
    """Return all imported event classes, by name."""
    return (_EVENT_TYPES[name] for name in sorted(_EVENT_TYPES))


def event_type(name: str) -> type[Event]:
    """Return the event class of the type ``name``; raise UnknownEventType if there is none."""
    try:
        return _EVENT_TYPES[name]
    except KeyError:
        raise UnknownEventType(f"no event type {name!r} is known here") from None
