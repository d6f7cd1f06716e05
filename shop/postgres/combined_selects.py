"""Questions to the database that are answered together: one way there and back, whichever contexts ask."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar, cast

from django.db import connection

from shop.postgres import json_text

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Select(Generic[T]):
    """A SELECT, and what its rows mean.

    The rows come as JSON, a mapping from column to value each: let the SELECT cast to text what JSON does
    not know, such as a numeric.
    """

    select: str
    parameters: Sequence[Any]
    read: Callable[[list[dict[str, Any]]], T]


def fetch(question: Select[T]) -> T:
    """What the database knows."""
    (known,) = _fetch(question)
    return cast(T, known)


def fetch_together(one: Select[S], other: Select[T]) -> tuple[S, T]:
    """The answers to two questions, by one statement."""
    return cast(tuple[S, T], _fetch(one, other))


def _fetch(*questions: Select[Any]) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        parameters = [parameter for question in questions for parameter in question.parameters]
        cursor.execute(_statement(*(question.select for question in questions)), parameters)
        told = cursor.fetchone()
    return tuple(
        question.read(json_text.loads(rows) if rows else [])
        for question, rows in zip(questions, told, strict=True)
    )


@cache
def _statement(*selects: str) -> str:
    columns = (f"(SELECT json_agg(told)::text FROM ({select}) AS told)" for select in selects)  # noqa: S608
    return f"SELECT {', '.join(columns)}"
