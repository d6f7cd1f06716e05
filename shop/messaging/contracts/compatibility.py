"""Compatibility of an event's schema with its readers, and with messages already sent."""

from typing import Any

#: Constraints. Readers break when one is relaxed, old messages when one is tightened.
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


def breaking_changes(old: dict[str, Any], new: dict[str, Any], path: str = "") -> list[str]:
    """Return the breaking changes between two JSON Schemas. Optional additions break nothing."""
    if any(old.get(keyword) != new.get(keyword) for keyword in _KIND):
        return [f"{path or 'it'} is another type"]
    found = [f"{path} has another {keyword}" for keyword in _LIMITS if old.get(keyword) != new.get(keyword)]
    if old.get("enum") != new.get("enum"):
        found.append(f"{path} takes other values")
    if "items" in old:
        found += breaking_changes(old["items"], new.get("items", {}), f"{path}[]")
    return found + _broken_fields(old, new, f"{path}." if path else "")


def _broken_fields(old: dict[str, Any], new: dict[str, Any], prefix: str) -> list[str]:
    had, has = old.get("properties", {}), new.get("properties", {})
    was_required, is_required = set(old.get("required", [])), set(new.get("required", []))
    found = [f"{prefix}{name} is gone" for name in had if name not in has]
    found += [f"{prefix}{name} may be missing" for name in sorted(was_required - is_required) if name in has]
    found += [f"{prefix}{name} is missing in old messages" for name in sorted(is_required - was_required)]
    for name in had:
        found += breaking_changes(had[name], has[name], f"{prefix}{name}") if name in has else []
    return found
