"""Client of the shop's REST API: keys, idempotency, errors, retries and pages. It needs Python alone."""

import http.client
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPErrorProcessor, Request, build_opener

from shop_client.operations import Operations

#: Statuses after which the same request may be sent again.
_AGAIN = {429, 502, 503, 504}
#: Longest wait before another attempt, in seconds.
_LONGEST_WAIT = 60.0


class _Plain(HTTPErrorProcessor):
    """Leave errors and redirects to the caller."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response


@dataclass(frozen=True)
class Response:
    """Answer of the API."""

    status: int
    headers: Message
    #: Parsed JSON, or the text of another type; None without a body.
    data: Any


class ShopError(Exception):
    """Refusal by the API: a problem document (RFC 9457)."""

    def __init__(self, response: Response) -> None:
        problem = response.data if isinstance(response.data, dict) else {}
        self.response, self.problem = response, problem
        self.status, self.code = response.status, str(problem.get("code", ""))
        super().__init__(
            f"{response.status} {problem.get('detail') or problem.get('title') or response.data}"
        )

    @property
    def errors(self) -> dict[str, str]:
        """Messages by the path of their field."""
        return {error["field"]: error["message"] for error in self.problem.get("errors", ())}


class ShopClient(Operations):
    """The REST API with a method for each operation; see the OpenAPI document."""

    def __init__(self, url: str, key: str = "", *, timeout: float = 30.0, attempts: int = 4) -> None:
        """Speak to a shop.

        Args:
            url: of the shop, as in ``https://shop.example``.
            key: API key; without one only what is public.
            timeout: seconds for an answer.
            attempts: of a request that may be repeated without harm.
        """
        if urlsplit(url).scheme not in ("http", "https"):
            raise ValueError("Write the whole address, as in https://shop.example.")
        self._url, self._key, self._timeout, self._attempts = url, key, timeout, attempts
        self._opener = build_opener(_Plain)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str | None] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send a request and return the answer with its headers, such as ``ETag``.

        It is repeated after an outage if that does no harm: reads, and what has an Idempotency-Key.

        Raises:
            ShopError: the API refuses it.
            OSError: there is no answer.
        """
        sent = {name: value for name, value in (headers or {}).items() if value is not None}
        is_repeatable = method == "GET" or "Idempotency-Key" in sent
        request = self._request(method, path, query or {}, sent, body, content_type)
        for attempt in range(1, self._attempts + 1):
            is_last = attempt == self._attempts or not is_repeatable
            try:
                response = self._send(request)
            except (OSError, http.client.HTTPException):
                if is_last:
                    raise
                time.sleep(min(2.0**attempt / 4, _LONGEST_WAIT))
                continue
            if response.status < 400:
                return response
            if is_last or response.status not in _AGAIN:
                raise ShopError(response)
            time.sleep(_wait(response, attempt))
        raise AssertionError("the last attempt returns or raises")

    def pages(self, operation: Callable[..., Any], **query: Any) -> Iterator[Any]:
        """Yield all rows of a list, page by page, as in ``shop.pages(shop.orders_list)``."""
        page = operation(**query)
        while True:
            yield from page["results"]
            if not page.get("next"):
                return
            page = self.request("GET", page["next"]).data

    def _call(self, method: str, path: str, *, has_key: bool = False, **options: Any) -> Any:
        headers = options.pop("headers", {})
        if has_key and headers.get("Idempotency-Key") is None:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        return self.request(method, path, headers=headers, **options).data

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
        body: Any,
        content_type: str,
    ) -> Request:
        url = urljoin(self._url, path)
        if given := {name: _text(value) for name, value in query.items() if value is not None}:
            url += "?" + urlencode(given, doseq=True)
        data = None if body is None else body if isinstance(body, str) else json.dumps(body)
        request = Request(  # noqa: S310 - the scheme was checked
            url, None if data is None else data.encode(), method=method, headers=dict(headers)
        )
        request.add_header("Accept", headers.get("Accept", "application/json"))
        if data is not None:
            request.add_header("Content-Type", content_type)
        if self._key and urlsplit(url).netloc == urlsplit(self._url).netloc:
            request.add_header("Authorization", f"Bearer {self._key}")
        return request

    def _send(self, request: Request) -> Response:
        with self._opener.open(request, timeout=self._timeout) as answer:
            text = answer.read().decode()
            is_json = "json" in answer.headers.get_content_type()
            return Response(
                answer.status, answer.headers, json.loads(text) if text and is_json else text or None
            )


def _text(value: Any) -> Any:
    """Return a value of the query as the API writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _wait(response: Response, attempt: int) -> float:
    given = response.headers.get("Retry-After", "")
    return min(float(given) if given.isdigit() else 2.0**attempt / 4, _LONGEST_WAIT)
