"""HTTP server of the stand-in: keys and faults around the account's books."""

import json
import re
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.easypost.account import Account, Refused
from tests.support.http_stand_in import HttpStandIn, SilentHandler

API_KEY = "EZTK_of_the_stand_in"
PDF = b"%PDF-1.4\n% label of the stand-in\n%%EOF\n"
_NAME = r"([\w:-]+)"
_ROUTES = [
    ("POST", r"/v2/shipments", lambda account, params: account.create(params)),
    ("GET", r"/v2/shipments", lambda account, params: account.all(params)),
    ("GET", rf"/v2/shipments/{_NAME}", lambda account, name, params: account.retrieve(name)),
    ("POST", rf"/v2/shipments/{_NAME}/rerate", lambda account, name, params: account.rerate(name)),
    ("POST", rf"/v2/shipments/{_NAME}/buy", lambda account, name, params: account.buy(name, params)),
    ("POST", rf"/v2/shipments/{_NAME}/refund", lambda account, name, params: account.refund(name)),
    ("POST", r"/v2/trackers/batch", lambda account, params: account.batch(params)),
    ("DELETE", rf"/v2/trackers/{_NAME}", lambda account, name, params: account.delete_tracker(name)),
]
#: Faults in which EasyPost answers, and has not acted unless they are told to.
_ANSWERS = {
    "400": Refused(400, "PARAMETER.INVALID", "Ada's parameter is invalid"),
    "401": Refused(401, "APIKEY.INACTIVE", "This api key is no longer active."),
    "402": Refused(402, "PAYMENT_REQUIRED", "Insufficient funds"),
    "409": Refused(409, "SHIPMENT.PURCHASE.IN_PROGRESS", "A purchase is under way"),
    "429": Refused(429, "RATE_LIMITED", "You have exceeded the rate limit."),
    "500": Refused(500, "INTERNAL_SERVER_ERROR", "We're sorry, something went wrong."),
    "503": Refused(503, "SERVICE_UNAVAILABLE", "Unavailable"),
    "silent carrier": Refused(422, "SHIPMENT.POSTAGE.TIMED_OUT", "The carrier did not answer"),
}


@dataclass
class Seen:
    """Request as it came."""

    call: str
    params: dict[str, Any]


class EasyPostStandIn(HttpStandIn):
    """The stand-in and its switches."""

    def __init__(self) -> None:
        self.handler = _Handler
        super().__init__()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.account = Account(self.url)

    def bought(self) -> list[dict[str, Any]]:
        """Return the shipments with a label that was not given back."""
        shipments = self.account.shipments.values()
        return [s for s in shipments if s["postage_label"] and not s["refund_status"]]

    def answer(self, call: str, params: dict[str, Any]) -> tuple[int, bytes]:
        """Return status and body."""
        self.before_acting(call)
        fault = self.fault_of(call)
        if fault and fault.kind in {"hangup", "html"}:
            raise ConnectionAbortedError if fault.kind == "hangup" else _HtmlAnswer
        try:
            if fault and fault.kind in _ANSWERS and not fault.acts:
                raise _ANSWERS[fault.kind]
            with self.lock:
                made = json.dumps(_route(self.account, call, params)).encode()
            if fault and fault.kind in _ANSWERS:
                raise _ANSWERS[fault.kind]
        except Refused as refusal:
            return refusal.status, json.dumps(refusal.body).encode()
        if fault and fault.kind == "timeout":
            raise TimeoutError
        return 200, made


class _HtmlAnswer(Exception):
    """A proxy before EasyPost answers."""


def _route(account: Account, call: str, params: dict[str, Any]) -> dict[str, Any]:
    method, path = call.split(" ")
    for wanted, pattern, act in _ROUTES:
        if method == wanted and (match := re.fullmatch(pattern, path)):
            return act(account, *match.groups(), params) or {}
    raise Refused(404, "NOT_FOUND", "The requested resource could not be found.")


class _Handler(SilentHandler, BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/labels/"):
            self._send(200, PDF, "application/pdf")
        else:
            self._handle(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        self._handle(json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}"))

    def do_DELETE(self) -> None:
        self._handle({})

    def _handle(self, params: dict[str, Any]) -> None:
        stand_in: EasyPostStandIn = self.server.stand_in  # type: ignore[attr-defined]
        call = f"{self.command} {unquote(urlsplit(self.path).path)}"
        if self.headers.get("Authorization") != f"Bearer {API_KEY}":
            self._send(401, json.dumps(_ANSWERS["401"].body).encode())
            return
        stand_in.seen.append(Seen(call, params))
        try:
            self._send(*stand_in.answer(call, params))
        except TimeoutError:
            stand_in.released.wait(30)
            self.close_connection = True
        except ConnectionAbortedError:
            self.close_connection = True
        except _HtmlAnswer:
            self._send(502, b"<html>Bad Gateway for Ada</html>", "text/html")

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
