"""What a change of an event's schema breaks: for readers of new messages, and for us who read old ones."""

from typing import Any

#: What narrows a value, or widens it: readers rely on the one, old messages on the other.
_LIMITS = (
    "pattern",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
)
_KIND = ("type", "format", "anyOf", "const")


def breaks(old: dict[str, Any], new: dict[str, Any], path: str = "") -> list[str]:
    """What does not fit any more between ``old`` and ``new``, JSON Schemas; optional additions are fine."""
    if any(old.get(word) != new.get(word) for word in _KIND):
        return [f"{path or 'it'} is another type"]
    found = [f"{path} has another {word}" for word in _LIMITS if old.get(word) != new.get(word)]
    if old.get("enum") != new.get("enum"):
        found.append(f"{path} takes other values")
    if "items" in old:
        found += breaks(old["items"], new.get("items", {}), f"{path}[]")
    return found + _broken_fields(old, new, f"{path}." if path else "")


def _broken_fields(old: dict[str, Any], new: dict[str, Any], prefix: str) -> list[str]:
    had, has = old.get("properties", {}), new.get("properties", {})
    was_required, is_required = set(old.get("required", [])), set(new.get("required", []))
    found = [f"{prefix}{name} is gone" for name in had if name not in has]
    found += [f"{prefix}{name} may be missing" for name in sorted(was_required - is_required) if name in has]
    found += [f"{prefix}{name} is missing in old messages" for name in sorted(is_required - was_required)]
    for name in had:
        found += breaks(had[name], has[name], f"{prefix}{name}") if name in has else []
    return found
