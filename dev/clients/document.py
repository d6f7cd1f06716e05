"""The part of the OpenAPI document that a client needs."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any


def lean(document: dict[str, Any]) -> dict[str, Any]:
    """Return the operations with their good answers, and the schemas that they use.

    Errors are one exception in the client, and webhooks are received by others.
    """
    paths = {path: {m: _operation(o) for m, o in item.items()} for path, item in document["paths"].items()}
    schemas = document["components"]["schemas"]
    used: dict[str, Any] = {}
    names = list(_references(paths))
    while names:
        name = names.pop()
        if name not in used:
            used[name] = _without_limits(schemas[name])
            names += _references(used[name])
    return {
        "openapi": document["openapi"],
        "info": {"title": document["info"]["title"], "version": document["info"]["version"]},
        "paths": paths,
        "components": {"schemas": dict(sorted(used.items()))},
    }


def digest(document: dict[str, Any]) -> str:
    """Return the hash of a lean document, by which a test knows whether models are stale."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {
        name: operation[name]
        for name in ("operationId", "summary", "description", "parameters")
        if name in operation
    }
    kept["responses"] = {
        status: {name: value for name, value in response.items() if name != "headers"}
        for status, response in operation["responses"].items()
        if status < "300"
    }
    if "requestBody" in operation:
        content = {
            kind: {"schema": each["schema"]} for kind, each in operation["requestBody"]["content"].items()
        }
        kept["requestBody"] = {"content": content}
    return kept


def _without_limits(node: Any) -> Any:
    """Leave out what types do not say: limits, patterns, and that there are no other fields."""
    if isinstance(node, dict):
        return {
            name: _without_limits(value)
            for name, value in node.items()
            if name != "additionalProperties" or value
        }
    return [_without_limits(value) for value in node] if isinstance(node, list) else node


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.rsplit("/", 1)[1]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
