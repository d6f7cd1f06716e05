"""Search of everything that a shop keeps for words that identify a person."""

import re
from pathlib import Path

from django.conf import settings
from django.db import connection

_COLUMNS = """
    SELECT table_name, column_name, data_type FROM information_schema.columns
    JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
    AND (data_type IN ('text', 'character varying', 'json', 'jsonb', 'bytea', 'ARRAY', 'character'))
    ORDER BY table_name, column_name
"""


def traces(words: list[str]) -> set[str]:
    """Return the columns and mail files in which one of the words occurs."""
    pattern = "|".join(map(re.escape, words))
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS)
        columns = cursor.fetchall()
        found = {
            f"{table}.{column}"
            for table, column, kind in columns
            if _has(cursor, table, column, kind, pattern)
        }
    return found | set(_mail_files(pattern))


def _has(cursor, table: str, column: str, kind: str, pattern: str) -> bool:
    text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
    cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" WHERE {text} ~* %s)', [pattern])
    return bool(cursor.fetchone()[0])


def _mail_files(pattern: str):
    for file in Path(settings.EMAIL_FILE_PATH).glob("*"):
        if re.search(pattern, file.read_text(), re.IGNORECASE):
            yield "mail files"
