"""What an event is: a frozen, typed, versioned fact. Imports no Django, so that any program may read it."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PrivateAttr

from shop.messaging.errors import UnknownEventType

_EVENT_TYPES: dict[str, type[Event]] = {}
#: Name of a type -> the version that replaces it.
_REPLACED_BY: dict[str, type[Event]] = {}
_CAMEL_CASE = re.compile(r"([A-Z][a-z]+){2,}")

Amount = Annotated[
    Decimal,
    Field(max_digits=12, decimal_places=2, examples=["49.90"]),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str, when_used="json"),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]


class Fact(BaseModel):
    """A part of an event: frozen, and tolerant of fields that a later producer adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Money(Fact):
    """An amount in a currency, on the wire ``{"amount": "49.90", "currency": "EUR"}``."""

    amount: Amount
    currency: Currency

    def __str__(self) -> str:
        return f"{self.amount:.2f} {self.currency}"


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


def versions_up_to(kind: type[Event]) -> tuple[type[Event], ...]:
    """``kind`` and the versions before it, newest first: what somebody who reads ``kind`` can read."""
    return (kind, *(versions_up_to(kind.replaces) if kind.replaces else ()))


def versions(kind: type[Event]) -> tuple[type[Event], ...]:
    """All versions of the fact that ``kind`` is one of, newest first."""
    return versions_up_to(newest(kind))


def as_version(event: Event, kind: type[Event]) -> Event:
    """The same fact, under the same meta, in the version ``kind``.

    Raises UnknownEventType if it is another fact, or a version that nobody downcasts to any more.
    """
    if type(event) is kind:
        return event
    if kind in versions_up_to(type(event)):
        told = event.downcast()
        if told is None:
            raise UnknownEventType(f"{event.type} is not told as {kind.type} any more")
        return as_version(_with_meta_of(event, told), kind)
    if kind.replaces is None:
        raise UnknownEventType(f"{event.type} is no version of {kind.type}")
    return _with_meta_of(event, kind.upcast(as_version(event, kind.replaces)))


def with_older_copies(event: Event) -> Iterator[Event]:
    """The event, and the same fact in the older versions that somebody still reads."""
    yield event
    older = event.downcast()
    if older is not None:
        yield from with_older_copies(_with_meta_of(event, older))


def _with_meta_of(event: Event, copy: Event) -> Event:
    return copy.with_meta(event._meta) if event._meta else copy


def event_types() -> Iterator[type[Event]]:
    """All event types that have been imported, by name."""
    return (_EVENT_TYPES[name] for name in sorted(_EVENT_TYPES))


def event_type(name: str) -> type[Event]:
    """The event type called ``name``; :class:`UnknownEventType` if there is none."""
    try:
        return _EVENT_TYPES[name]
    except KeyError:
        raise UnknownEventType(f"no event type {name!r} is known here") from None
