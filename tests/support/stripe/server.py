"""HTTP server of the stand-in: keys, idempotency and faults around the account's books."""

import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.support.http_stand_in import Fault, HttpStandIn, SilentHandler
from tests.support.stripe import answers, checkout, hosted_page
from tests.support.stripe.account import Account
from tests.support.stripe.answers import Refused
from tests.support.stripe.disputes import list_disputes
from tests.support.stripe.forms import parse

API_KEY = "sk_test_of_the_stand_in"
_NAME = r"(\w+)"
_ROUTES = [
    ("POST", r"/v1/payment_intents", Account.create_intent),
    ("GET", r"/v1/payment_intents/search", Account.search_intents),
    ("GET", rf"/v1/payment_intents/{_NAME}", lambda account, name, params: account.intent(name)),
    ("POST", rf"/v1/payment_intents/{_NAME}", Account.update_intent),
    ("POST", rf"/v1/payment_intents/{_NAME}/confirm", Account.confirm_intent),
    ("POST", rf"/v1/payment_intents/{_NAME}/capture", Account.capture_intent),
    ("POST", rf"/v1/payment_intents/{_NAME}/cancel", Account.cancel_intent),
    ("POST", r"/v1/checkout/sessions", checkout.create_session),
    ("GET", r"/v1/checkout/sessions", checkout.list_sessions),
    ("GET", rf"/v1/checkout/sessions/{_NAME}", checkout.retrieve_session),
    ("POST", rf"/v1/checkout/sessions/{_NAME}/expire", checkout.expire_session),
    ("POST", r"/v1/refunds", Account.create_refund),
    ("GET", r"/v1/refunds", Account.list_refunds),
    ("GET", r"/v1/charges", Account.list_charges),
    ("GET", r"/v1/disputes", list_disputes),
    ("GET", r"/v1/events", Account.list_events),
]


@dataclass
class Stored:
    """Answer under an idempotency key, None while the request is under way."""

    request: tuple[Any, ...]
    answer: tuple[int, str] | None = None


@dataclass
class Seen:
    """Request as it came."""

    call: str
    key: str | None
    version: str | None
    params: dict[str, Any]
    thread: int = field(default_factory=threading.get_ident)


class StripeStandIn(HttpStandIn):
    """The stand-in and its switches."""

    def __init__(self) -> None:
        self.handler = _Handler
        super().__init__()

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.account = Account(self.url)
        self.keys: dict[str, Stored] = {}

    def forget_keys(self) -> None:
        """Let a day pass, after which Stripe has forgotten all idempotency keys."""
        self.keys.clear()

    def answer(self, call: str, key: str | None, params: dict[str, Any]) -> tuple[int, str, bool]:
        """Return status, body and mark of a replay; the same again for a repeated idempotency key."""
        request = (call, json.dumps(params, sort_keys=True))
        with self.lock:
            known = self.keys.get(key) if key else None
            if known and known.request != request:
                return (*_encode(answers.other_parameters(key or "")), False)
            if known and known.answer is None:
                return (*_encode(answers.key_in_use()), False)
            if known and known.answer:
                return (*known.answer, True)
            if key:
                self.keys[key] = Stored(request)
        return (*self._first_answer(call, key, params), False)

    def _first_answer(self, call: str, key: str | None, params: dict[str, Any]) -> tuple[int, str]:
        self.before_acting(call)
        fault = self.fault_of(call)
        answer, keeps = None, False
        try:
            answer, keeps = self._act(call, params, fault)
        finally:
            if key and keeps:
                self.keys[key].answer = answer
            elif key:
                self.keys.pop(key, None)
        if fault and fault.kind == "timeout":
            raise TimeoutError
        return answer

    def _act(self, call: str, params: dict[str, Any], fault: Fault | None) -> tuple[tuple[int, str], bool]:
        """Return the answer, and whether it is kept under the key."""
        try:
            _fail_before(fault)
            with self.lock:
                try:
                    made = json.dumps(_route(self.account, call, params))
                finally:
                    self.account.observe()
            if fault and fault.kind == "500":
                raise answers.server_error()
        except Refused as refusal:
            # Stripe does not keep what its validation refused.
            return _encode(refusal), refusal.status in {402, 500}
        return (200, made), True


def _fail_before(fault: Fault | None) -> None:
    kind = fault.kind if fault and not fault.acts else ""
    if kind == "429":
        raise answers.rate_limited()
    if kind == "409":
        raise answers.key_in_use()
    if kind == "401":
        raise Refused(401, "invalid_request_error", "Invalid API Key provided: sk_test_****")
    if kind == "400":
        raise answers.invalid("Received unknown parameter: a", code="parameter_unknown", param="a")
    if kind == "500":
        raise answers.server_error()
    if kind == "503":
        raise Refused(503, "api_error", "Stripe is unavailable")
    if kind == "hangup":
        raise ConnectionAbortedError


def _route(account: Account, call: str, params: dict[str, Any]) -> dict[str, Any]:
    method, path = call.split(" ")
    for wanted, pattern, act in _ROUTES:
        if method == wanted and (match := re.fullmatch(pattern, path)):
            return act(account, *match.groups(), dict(params))
    raise answers.invalid(f"Unrecognized request URL ({call}).", status=404)


def _encode(refusal: Refused) -> tuple[int, str]:
    return refusal.status, json.dumps(refusal.body)


class _Handler(SilentHandler, BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._handle(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._handle(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    def _handle(self, text: str) -> None:
        stand_in: StripeStandIn = self.server.stand_in  # type: ignore[attr-defined]
        if self.path.startswith(hosted_page.PATH):
            self._show(stand_in, text)
            return
        call, key = f"{self.command} {urlsplit(self.path).path}", self.headers.get("Idempotency-Key")
        if self.headers.get("Authorization") != f"Bearer {API_KEY}":
            refusal = Refused(401, "invalid_request_error", "Invalid API Key provided: sk_test_****")
            self._send(*_encode(refusal), is_replayed=False)
            return
        params = parse(text)
        stand_in.seen.append(Seen(call, key, self.headers.get("Stripe-Version"), params))
        try:
            status, body, is_replayed = stand_in.answer(call, key, params)
        except TimeoutError:
            stand_in.released.wait(30)
            self.close_connection = True
        except ConnectionAbortedError:
            self.close_connection = True
        else:
            self._send(status, body, is_replayed=is_replayed)

    def _show(self, stand_in: StripeStandIn, form: str) -> None:
        with stand_in.lock:
            status, headers, body = hosted_page.answer(stand_in.account, self.command, self.path, form)
            stand_in.account.observe()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body.encode()))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())

    def _send(self, status: int, body: str, *, is_replayed: bool) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        self.send_header("Request-Id", "req_stand_in")
        if is_replayed:
            self.send_header("Idempotent-Replayed", "true")
        self.end_headers()
        self.wfile.write(body.encode())
