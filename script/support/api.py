"""A small client of the shop's REST API, over one connection that stays open."""

import http.client
import json
import threading
from dataclasses import dataclass, field
from typing import Any

from script.support.errors import ScriptError
from script.support.ports import LOOPBACK

_TIMEOUT = 30


class ApiError(ScriptError):
    """The API refused a request; ``status`` and ``problem`` say how and why."""

    def __init__(self, status: int, problem: Any) -> None:
        self.status = status
        self.detail = str(problem.get("detail", problem)) if isinstance(problem, dict) else str(problem)
        super().__init__(f"{status}: {self.detail}")


@dataclass
class Api:
    """The REST API as the owner of ``token`` sees it. Threads may share it: each has its own connection."""

    port: int
    token: str = ""
    _own: threading.local = field(default_factory=threading.local, repr=False)

    def as_owner_of(self, token: str) -> "Api":
        """The same API for somebody else, over the same connections."""
        return Api(self.port, token, self._own)

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Send ``body`` as JSON; an ``Idempotency_Key`` among the headers makes it safe to send twice."""
        return self._ask("POST", path, body, {name.replace("_", "-"): v for name, v in headers.items()})

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        try:
            status, answer = self._send(method, path, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError):
            if method != "GET" and "Idempotency-Key" not in headers:
                raise
            status, answer = self._send(method, path, body, headers)
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise ApiError(status, answer)
        return answer

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        if self.token:
            headers = {"Authorization": f"Token {self.token}", **headers}
        data = None if body is None else json.dumps(body)
        connection = self._connection()
        try:
            connection.request(method, path, data, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            return response.status, _decode(response.read())
        except BaseException:
            connection.close()
            raise

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=_TIMEOUT)
        connection: http.client.HTTPConnection = self._own.connection
        return connection


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")[:500]
