"""CPU time of a request: this process's, and that of the database session behind it."""

import time
from pathlib import Path
from typing import Any

from django.db import connection
from django.test import Client


class Meter:
    """Measures requests of a client in CPU seconds."""

    def __init__(self, client: Client) -> None:
        client.raise_request_exception = False
        self.client = client
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self._session = Path(f"/proc/{cursor.fetchone()[0]}/schedstat")

    def cost(self, method: str, path: str, **request: Any) -> float:
        """Return the CPU seconds of a request."""
        started = self._now()
        self.status = self.client.generic(method, path, **request).status_code
        return self._now() - started

    def _now(self) -> float:
        return time.process_time() + int(self._session.read_text().split()[0]) / 1e9
