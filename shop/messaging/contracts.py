"""What an event is: a frozen, typed, versioned fact. Imports no Django, so that any program may read it."""

from __future__ import annotations

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
_CAMEL_CASE = re.compile(r"([A-Z][a-z]+){2,}")

Amount = Annotated[
    Decimal,
    Field(max_digits=12, decimal_places=2),
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str, when_used="json"),
]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


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
    is about (default ``order_id``). Events about one aggregate keep their order on the way.
    """

    #: The app that publishes it, from the module it stands in.
    app: ClassVar[str]
    version: ClassVar[int]
    aggregate: ClassVar[str]
    #: The one name of the event everywhere, as in ``orders.OrderCreated.v1``.
    type: ClassVar[str]

    _meta: Meta | None = PrivateAttr(default=None)

    def __init_subclass__(cls, *, version: int = 1, aggregate: str = "order_id", **kwargs: Any) -> None:
        """Let the class keywords pass; they are read once pydantic knows the fields."""
        super().__init_subclass__(**kwargs)

    @classmethod
    def __pydantic_init_subclass__(
        cls, *, version: int = 1, aggregate: str = "order_id", **kwargs: Any
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
        cls.type = f"{cls.app}.{name}.v{version}"
        registered = _EVENT_TYPES.setdefault(cls.type, cls)
        if registered.__qualname__ != cls.__qualname__:
            raise TypeError(f"{cls.type} is defined twice")

    @property
    def aggregate_id(self) -> UUID:
        """The id of what the event is about."""
        value: UUID = getattr(self, self.aggregate)
        return value

    @property
    def meta(self) -> Meta:
        """Id, time and origin of a published event; an error before it is published."""
        if self._meta is None:
            raise AttributeError(f"{self.type} has not been published: it has no meta yet")
        return self._meta

    def with_meta(self, meta: Meta) -> Self:
        """Return the same fact, known to the log under ``meta``."""
        copy = self.model_copy()
        copy._meta = meta
        return copy


class Reminder(Event):
    """An event that an app sends to itself later: a durable timer. It is neither logged nor shared."""


def event_types() -> Iterator[type[Event]]:
    """All event types that have been imported, by name."""
    return (_EVENT_TYPES[name] for name in sorted(_EVENT_TYPES))


def event_type(name: str) -> type[Event]:
    """The event type called ``name``; :class:`UnknownEventType` if there is none."""
    try:
        return _EVENT_TYPES[name]
    except KeyError:
        raise UnknownEventType(f"no event type {name!r} is known here") from None
