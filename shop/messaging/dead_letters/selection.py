"""Which dead letters are meant: a filter, as small for 100,000 of them as for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Max, Q, QuerySet

from shop.messaging.models import DeadLetter

#: What dead letters can be filtered by.
FIELDS = ("cause", "app", "consumer", "type", "error_type")


@dataclass(frozen=True)
class Selection:
    """Some of the open dead letters. All of it is JSON, so that it can be sent to a worker."""

    #: Field -> the value that it has to have; an empty value is one too.
    where: Mapping[str, str] = field(default_factory=dict)
    #: Only these; None for all.
    ids: list[int] | None = None
    search: str = ""
    #: Only up to this one: what has died since the operator looked is not meant.
    newest: int | None = None

    def __post_init__(self) -> None:
        """Refuse to filter by anything else: it may come from a URL."""
        if unknown := set(self.where) - set(FIELDS):
            raise ValueError(f"dead letters cannot be selected by {', '.join(sorted(unknown))}")

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Selection:
        """Read what :meth:`as_query` wrote; ValueError where it is none."""
        return cls(
            where={name: query[name] for name in FIELDS if name in query},
            ids=[int(pk) for pk in query["ids"].split(",")] if "ids" in query else None,
            search=query.get("q", ""),
            newest=int(query["newest"]) if "newest" in query else None,
        )

    def as_query(self) -> str:
        """Write it as the query of a URL."""
        query: dict[str, Any] = dict(self.where)
        if self.ids is not None:
            query["ids"] = ",".join(map(str, self.ids))
        if self.search:
            query["q"] = self.search
        if self.newest is not None:
            query["newest"] = self.newest
        return urlencode(query)

    def as_json(self) -> dict[str, Any]:
        """Its fields, from which ``Selection(**fields)`` makes it again."""
        return asdict(self)

    def letters(self) -> QuerySet[DeadLetter]:
        """The letters that are still open, oldest first."""
        letters = DeadLetter.objects.filter(status=DeadLetter.Status.OPEN, **self.where).order_by("pk")
        if self.ids is not None:
            letters = letters.filter(pk__in=self.ids)
        if self.newest is not None:
            letters = letters.filter(pk__lte=self.newest)
        return letters.filter(matching(self.search)) if self.search else letters

    def as_of_now(self) -> Selection:
        """The same, without what dies from now on."""
        if self.newest is not None:
            return self
        return replace(self, newest=self.letters().aggregate(newest=Max("pk"))["newest"] or 0)


def matching(text: str) -> Q:
    """What a search for ``text`` finds: the id of an event, or of what it is about, or part of an error."""
    try:
        wanted = UUID(text.strip())
    except ValueError:
        return Q(error__icontains=text.strip())
    return Q(event_id=wanted) | Q(aggregate_id=wanted)
