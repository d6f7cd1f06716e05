"""Envelope of a CloudEvent: all attributes around its data, checked before anything is done with an event.

The texts of errors name attributes and never their values: whoever sent them, they may be personal data.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from shop.messaging.errors import InvalidMessage

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}").fullmatch
_TYPE = re.compile(r"[A-Za-z0-9_.-]{1,100}").fullmatch
_NAME = re.compile(r"[!-~]{1,200}").fullmatch
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
).fullmatch
#: Years of events. Beyond them a time may overflow when it is converted to another zone.
_YEARS = range(2000, 2100)


def _is_time(text: str) -> bool:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return False
    return time.tzinfo is not None and time.year in _YEARS


#: Checks of the attributes that the shop reads, by name. ``traceparent`` is not among them: without it, or
#: with a malformed one, a new trace begins.
_CHECKS: dict[str, Callable[[str], object]] = {
    "id": _UUID,
    "source": _NAME,
    "type": _TYPE,
    "subject": _NAME,
    "time": _is_time,
    "correlationid": _UUID,
    "causationid": _UUID,
}
#: Largest depth of nested objects and arrays. Beyond some hundreds, JSON libraries give up at various depths.
MAX_DEPTH = 64
_REQUIRED = ("id", "source", "type")


def check_envelope(message: Any) -> None:
    """Raise InvalidMessage, with all problems, unless ``message`` is a CloudEvent. Its data is not read."""
    if not isinstance(message, dict):
        raise InvalidMessage("the body is JSON, but not an object")
    if problems := list(_problems(message)):
        raise InvalidMessage(f"the CloudEvent has {', '.join(problems)}")


def _problems(message: dict[str, Any]) -> Iterator[str]:
    if message.get("specversion") != "1.0":
        yield "another specversion than '1.0'"
    for name in _REQUIRED:
        if not message.get(name):
            yield f"no {name}"
    for name, value in message.items():
        if name == "data" or value is None or value == "":
            continue
        check = _CHECKS.get(name)
        if check and not (isinstance(value, str) and check(value)):
            yield f"a malformed {name}"
        elif isinstance(value, dict | list):
            yield "an attribute with more than one value"


def check_depth(message: Any, text: str) -> None:
    """Raise InvalidMessage if a message parsed from ``text`` is nested deeper than MAX_DEPTH."""
    if text.count("{") + text.count("[") > MAX_DEPTH and _is_deeper(message, MAX_DEPTH):
        raise InvalidMessage(f"the CloudEvent is nested deeper than {MAX_DEPTH} levels")


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inner)


def valid_traceparent(text: object) -> str | None:
    """Return ``text`` if it is a traceparent of W3C Trace Context, otherwise None."""
    return text if isinstance(text, str) and _TRACEPARENT(text) else None


def claimed_type(message: Any) -> str:
    """Return the type of a message that may be no CloudEvent; empty if it has no valid one."""
    claimed = message.get("type") if isinstance(message, dict) else None
    return claimed if isinstance(claimed, str) and _TYPE(claimed) else ""
