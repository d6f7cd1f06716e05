"""Selection of dead letters: a filter, of the same size for one letter as for 100,000."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from shop.messaging.models import DeadLetter

#: Fields that dead letters can be filtered by.
FIELDS = ("cause", "app", "consumer", "type", "error_type")


@dataclass(frozen=True)
class Selection:
    """A filter of open dead letters. It is serializable as JSON, as the argument of a task."""

    #: Required value by field. An empty value selects letters without one.
    where: Mapping[str, str] = field(default_factory=dict)
    #: Primary keys; None for all letters.
    ids: list[int] | None = None
    search: str = ""
    #: Largest primary key. It leaves out letters that were added after the operator opened the page.
    newest: int | None = None

    def __post_init__(self) -> None:
        """Reject other fields: the filter may come from a URL."""
        if unknown := set(self.where) - set(FIELDS):
            raise ValueError(f"dead letters cannot be selected by {', '.join(sorted(unknown))}")

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Selection:
        """Parse the parameters written by :meth:`as_query`. Raises ValueError if they are invalid."""
        return cls(
            where={name: query[name] for name in FIELDS if name in query},
            ids=[int(pk) for pk in query["ids"].split(",")] if "ids" in query else None,
            search=query.get("q", ""),
            newest=int(query["newest"]) if "newest" in query else None,
        )

    def as_query(self) -> str:
        """Return the selection as the query string of a URL."""
        query: dict[str, Any] = dict(self.where)
        if self.ids is not None:
            query["ids"] = ",".join(map(str, self.ids))
        if self.search:
            query["q"] = self.search
        if self.newest is not None:
            query["newest"] = self.newest
        return urlencode(query)

    def as_json(self) -> dict[str, Any]:
        """Return the fields as a dict; ``Selection(**fields)`` reverses it."""
        return asdict(self)

    def letters(self) -> QuerySet[DeadLetter]:
        """Return the selected letters that are still open, oldest first."""
        letters = DeadLetter.objects.filter(status=DeadLetter.Status.OPEN, **self.where).order_by("pk")
        if self.ids is not None:
            letters = letters.filter(pk__in=self.ids)
        if self.newest is not None:
            letters = letters.filter(pk__lte=self.newest)
        return letters.filter(search_condition(self.search)) if self.search else letters

    def as_of_now(self) -> Selection:
        """Return the selection bounded to the letters that exist now, unless it is bounded already."""
        if self.newest is not None:
            return self
        return replace(self, newest=self.letters().aggregate(newest=Max("pk"))["newest"] or 0)


def search_condition(text: str) -> Q:
    """Return the condition of a search: the id of an event or an aggregate, or part of an error."""
    try:
        wanted = UUID(text.strip())
    except ValueError:
        return Q(error__icontains=text.strip())
    return Q(event_id=wanted) | Q(aggregate_id=wanted)
