"""The nastiest requests: heads of 16 KB, bodies of 256 KB, and what the limits just let through."""

import json
from collections.abc import Iterator
from urllib.parse import quote_plus, urlencode

from shop.query_limits import MAX_VALUE, VALUE_LIMITS
from shop.web.limits import MAX_QUERY

GET, POST = 16 * 1024, 256 * 1024

#: Texts that are repeated up to a limit.
PATTERNS = ("a ", "9", "-1.,", "%", "2026-01-01T00:00:00Z")
#: Names of parameters, in groups that fit into a query at the largest length of a value.
_GROUPS = (
    tuple(VALUE_LIMITS),
    ("_changelist_filters", "next", "number"),
    ("order_number", "order_id", "status"),
    ("placed_after", "placed_before", "customer"),
    ("created_after", "created_before", "state"),
    ("since", "until", "currency"),
    ("email", "kind", "format"),
    ("ids", "id__in", "newest"),
)
_HEADERS = (
    *("Cookie", "Accept", "Accept-Language", "Authorization", "Idempotency-Key", "If-None-Match", "Range"),
    *("traceparent", "X-Correlation-ID", "X-Forwarded-For", "User-Agent", "Referer", "Accept-Encoding"),
)
#: Fields of the shop's forms and JSON bodies.
_FIELDS = (
    *("lines", "ship_to", "payment_method", "quantity", "reason", "email", "username", "password", "sku"),
    *("name", "street", "first_name", "password1", "text", "idempotency_key", "counted", "action", "next"),
)


def queries(patterns: tuple[str, ...] = PATTERNS) -> Iterator[str]:
    """Yield query strings of the largest length that the limits let through."""
    for pattern in patterns:
        for names in _GROUPS:
            limits = {name: min(VALUE_LIMITS.get(name, MAX_VALUE), MAX_QUERY // len(names)) for name in names}
            yield "&".join(
                f"{n}={quote_plus(_repeated(pattern, limit))}"[:limit] for n, limit in limits.items()
            )


def long_queries() -> Iterator[str]:
    """Yield query strings of 16 KB."""
    yield "search=" + "a+" * 8_000
    yield "q=" + "a+" * 8_000
    yield "&".join(["status=placed"] * 1_000)
    yield "&".join(f"k{number}" for number in range(2_500))
    yield "_changelist_filters=" + "%25" * 5_000
    yield "o=" + "1." * 8_000
    yield "page=" + "9" * 16_000


def headers() -> Iterator[dict[str, str]]:
    """Yield headers of 16 KB."""
    for number, name in enumerate(_HEADERS):
        for pattern in ("a/b,", ("a=b;", "en-x,", "9")[number % 3]):
            yield {name: _repeated(pattern, GET)}


def json_bodies() -> Iterator[bytes]:
    """Yield JSON bodies of 256 KB."""
    yield _object(f'"k{number}":0' for number in range(POST))
    yield b'{"lines":' + b"[" * (POST - 9)
    yield b'{"lines":' * (POST // 9)
    yield _lines("{}", POST // 3)
    yield _lines('{"sku":"MUG","quantity":1}', 10_000)
    yield _lines("{" + ",".join(f'"{number}":0' for number in range(180)) + "}", 190)
    for number, name in enumerate(_FIELDS):
        value = (
            '"' + "a@" * (POST // 2 - 30) + '"',
            "9" * (POST - 60),
            "[" + ",".join(["9" * 4_000] * 60) + "]",
        )
        yield f'{{"{name}": {value[number % 3]}}}'.encode()


def form_bodies() -> Iterator[bytes]:
    """Yield form bodies of 256 KB."""
    yield b"&".join(b"k%d=1" % number for number in range(30_000))
    yield b"&".join(b"_selected_action=%d" % number for number in range(190)) + b"&action=delete_selected"
    yield urlencode({name: _repeated("é", 1_000) for name in _FIELDS}).encode()
    for number, name in enumerate(_FIELDS):
        yield f"{name}=".encode() + (b"a%40" * (POST // 4 - 20) if number % 2 else b"9" * (POST - 40))


def _repeated(pattern: str, length: int) -> str:
    return (pattern * length)[:length]


def _object(members: Iterator[str]) -> bytes:
    text = "{" + ",".join(member for member, _ in zip(members, range(POST // 11), strict=False)) + "}"
    json.loads(text)
    return text.encode()


def _lines(item: str, number: int) -> bytes:
    return ('{"lines":[' + ",".join([item] * number) + "]}").encode()[:POST]
