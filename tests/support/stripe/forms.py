"""Requests in Stripe's encoding: forms whose names have brackets."""

import re
from typing import Any
from urllib.parse import parse_qsl

from tests.support.stripe.answers import invalid


def parse(text: str) -> dict[str, Any]:
    """Return the parameters: ``metadata[a]=1`` as ``{"metadata": {"a": "1"}}``, ``expand[0]`` as a list."""
    params: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, *path = re.findall(r"[^\[\]]+", name)
        node = params
        for part, following in zip([head, *path], [*path, None], strict=True):
            node = node.setdefault(part, {}) if following is not None else node
            if following is None:
                node[part] = value
    return {name: _as_list(value) for name, value in params.items()}


def _as_list(value: Any) -> Any:
    is_list = isinstance(value, dict) and value and all(key.isdigit() for key in value)
    return list(value.values()) if is_list else value


def check(params: dict[str, Any], *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> None:
    """Refuse unknown and missing parameters, as Stripe does."""
    for name in params:
        if name not in {*required, *optional}:
            raise invalid(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    for name in required:
        if name not in params:
            raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
