"""HTTP server of the stand-in: keys, faults and a refusing address around the providers' APIs."""

import json
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.http_stand_in import HttpStandIn, SilentHandler
from tests.support.mail_api.apis import APIS, Api, Sent

#: Local part of the addresses that every provider refuses.
GONE = "gone"


@dataclass
class Seen:
    """Request as it came."""

    call: str


class MailApiStandIn(HttpStandIn):
    """The stand-in and its switches."""

    def __init__(self) -> None:
        self.handler = _Handler
        super().__init__()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.sent: list[Sent] = []
        self.connections: set[Any] = set()

    def answer(self, api: Api, sent: Sent, call: str) -> tuple[int, bytes]:
        """Return status and body."""
        self.before_acting(call)
        fault = self.fault_of(call)
        if fault and fault.kind == "hangup":
            raise ConnectionAbortedError
        if fault and fault.kind == "html":
            return 502, b"<html>Bad Gateway for rose@example.com</html>"
        if fault and fault.kind != "timeout" and not fault.acts:
            return int(fault.kind), json.dumps(api.errors[int(fault.kind)]).encode()
        with self.lock:
            status, said = self._take(api, sent)
        if fault and fault.kind == "timeout":
            raise TimeoutError
        return status, json.dumps(said).encode()

    def _take(self, api: Api, sent: Sent) -> tuple[int, dict[str, Any]]:
        if sent.to.startswith(f"{GONE}@"):
            return api.refused(sent)
        first = next((one for one in self.sent if sent.key and one.key == sent.key), None)
        if first:
            return api.known(sent, first)
        self.sent.append(sent)
        return api.accepted(sent)


class _Handler(SilentHandler, BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        stand_in: MailApiStandIn = self.server.stand_in  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        call = f"POST {self.path}"
        stand_in.seen.append(Seen(call))
        stand_in.connections.add(self.client_address)
        api = next((api for api in APIS.values() if api.path == self.path), None)
        if api is None:
            self._send(404, b'{"message": "Not found"}')
        elif self.headers.get(api.authorization()[0]) != api.authorization()[1]:
            self._send(401, json.dumps(api.errors[401]).encode())
        else:
            self._act(api, body, call, stand_in)

    def _act(self, api: Api, body: bytes, call: str, stand_in: MailApiStandIn) -> None:
        try:
            self._send(*stand_in.answer(api, api.read(body, self.headers), call))
        except TimeoutError:
            stand_in.released.wait(30)
            self.close_connection = True
        except ConnectionAbortedError:
            self.close_connection = True

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
