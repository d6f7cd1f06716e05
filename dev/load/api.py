"""Client of the shop's REST API. It keeps no connections, so threads may share it."""

import http.client
import json
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from dev.errors import ScriptError
from dev.processes.ports import LOOPBACK

_TIMEOUT = 30.0


class ApiError(ScriptError):
    """Refusal by the API, with its HTTP status and the ``detail`` of the problem document."""

    def __init__(self, status: int, problem: Any) -> None:
        self.status = status
        self.detail = str(problem.get("detail", problem)) if isinstance(problem, dict) else str(problem)
        super().__init__(f"the shop answered {status}: {self.detail}")


@dataclass(frozen=True)
class Api:
    """The REST API, authenticated by ``token``."""

    port: int
    token: str = ""
    #: Seconds to wait for a response.
    timeout: float = _TIMEOUT

    def as_owner_of(self, token: str) -> "Api":
        """Return the same API, authenticated by another token."""
        return replace(self, token=token)

    def get(self, path: str) -> Any:
        return self._ask("GET", path, None, {})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Send ``body`` as JSON. The header ``Idempotency_Key`` makes a repeated request safe."""
        return self._ask("POST", path, body, {name.replace("_", "-"): v for name, v in headers.items()})

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        if self.token:
            headers["Authorization"] = f"Token {self.token}"
        headers["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body)
        with closing(http.client.HTTPConnection(LOOPBACK, self.port, timeout=self.timeout)) as connection:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            answer = _decode(response.read())
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise ApiError(response.status, answer)
        return answer


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")[:500]
