"""Search of a database, and of files, for words that identify a person."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

#: Runs a query with parameters, and returns its rows.
Rows = Callable[..., list[tuple[Any, ...]]]

_COLUMNS = """
    SELECT table_name, column_name, data_type FROM information_schema.columns
    JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = %s AND table_type = 'BASE TABLE'
    AND data_type IN ('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'ARRAY')
    ORDER BY table_name, column_name
"""


def columns_with(words: Iterable[str], rows: Rows, schema: str = "public") -> set[str]:
    """Return the columns of all tables in which one of the words occurs, as ``table.column``."""
    pattern = "|".join(map(re.escape, words))
    found = set()
    for table, column, kind in rows(_COLUMNS, schema):
        text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
        if rows(f'SELECT EXISTS (SELECT FROM "{schema}"."{table}" WHERE {text} ~* %s)', pattern)[0][0]:
            found.add(f"{table}.{column}")
    return found


def files_with(words: Iterable[str], folder: Path) -> Iterator[Path]:
    """Yield the files below a folder in which one of the words occurs."""
    pattern = re.compile("|".join(map(re.escape, words)).encode(), re.IGNORECASE)
    return (file for file in folder.rglob("*") if file.is_file() and pattern.search(file.read_bytes()))
