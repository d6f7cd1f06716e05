"""SELECTs combined into one statement, and so one round trip, even from several contexts."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar, cast

from django.db import connection

from shop.postgres import json_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Select(Generic[T]):
    """A SELECT, and a function that converts its rows to a result.

    Rows arrive as JSON objects by column name. The SELECT has to cast types without a JSON counterpart, such
    as numeric, to text.
    """

    select: str
    parameters: Sequence[Any]
    read: Callable[[list[dict[str, Any]]], T]


@dataclass(slots=True)
class Companion(Generic[T]):
    """A Select that shares the statement of the first fetch() in a block. Blocks can be nested."""

    select: Select[T]
    is_fetched: bool = False
    _result: T | None = None

    @property
    def result(self) -> T:
        """The result; LookupError before it is fetched."""
        if not self.is_fetched:
            raise LookupError("there is no result before the first fetch() or the end of the block")
        return cast(T, self._result)

    def receive(self, rows: list[dict[str, Any]]) -> None:
        """Convert and store the result."""
        self._result, self.is_fetched = self.select.read(rows), True


_companions: ContextVar[tuple[Companion[Any], ...]] = ContextVar("companions", default=())


def fetch(select: Select[T]) -> T:
    """Run a Select, in one statement with the companions of the open blocks that are not fetched yet."""
    waiting = [companion for companion in _companions.get() if not companion.is_fetched]
    rows, *others = _rows(select, *(companion.select for companion in waiting))
    for companion, found in zip(waiting, others, strict=True):
        companion.receive(found)
    return select.read(rows)


@contextmanager
def fetched_along(select: Select[T]) -> Iterator[Companion[T]]:
    """Run a Select with the first fetch() in the block, or on its own after a block without any."""
    companion = Companion(select)
    token = _companions.set((*_companions.get(), companion))
    try:
        yield companion
    finally:
        _companions.reset(token)
    if not companion.is_fetched:
        companion.receive(_rows(select)[0])


def _rows(*selects: Select[Any]) -> list[list[dict[str, Any]]]:
    with connection.cursor() as cursor:
        parameters = [parameter for one in selects for parameter in one.parameters]
        cursor.execute(_statement(*(one.select for one in selects)), parameters)
        return [json_text.loads(rows) if rows else [] for rows in cursor.fetchone()]


@cache
def _statement(*selects: str) -> str:
    columns = (f"(SELECT json_agg(row)::text FROM ({select}) AS row)" for select in selects)  # noqa: S608
    return f"SELECT {', '.join(columns)}"
