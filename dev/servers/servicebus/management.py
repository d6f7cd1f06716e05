"""Requests to ``$cbs`` and ``$management``: tokens, renewal of locks, settlement, peeking."""

from typing import Any

from proton import Message, symbol, timestamp

from dev.servers.servicebus.entities import Entity, LockLost
from dev.servers.servicebus.outlet import LOCK_LOST, encoded

CBS = "$cbs"
MANAGEMENT = "/$management"
_VENDOR = "com.microsoft:"


def answer(entity: Entity | None, request: Message) -> Message:
    """Return the reply to a request; without an entity it is one for ``$cbs``, where every token is good."""
    if entity is None:
        return _reply(request, 200)
    properties: Any = request.properties or {}
    operation = str(properties.get("operation", ""))
    handle = _OPERATIONS.get(operation.removeprefix(_VENDOR))
    if not handle:
        return _reply(request, 501, f"the stand-in knows no {operation}")
    try:
        return _reply(request, 200, body=handle(entity, request.body))
    except (LockLost, KeyError):
        return _reply(request, 410, "the lock has expired", condition=LOCK_LOST)


def _renew_locks(entity: Entity, body: Any) -> dict[str, Any]:
    return {"expirations": [_timestamp(until) for until in entity.renew(body["lock-tokens"])]}


def _renew_session(entity: Entity, body: Any) -> dict[str, Any]:
    return {"expiration": _timestamp(entity.sessions.renew(body["session-id"]))}


def _settle(entity: Entity, body: Any) -> dict[str, Any]:
    """Settle messages whose link is gone."""
    for token in body["lock-tokens"]:
        if body["disposition-status"] == "completed":
            entity.complete(token)
        elif body["disposition-status"] == "suspended":
            entity.dead_letter(
                token, body.get("deadletter-reason", ""), body.get("deadletter-description", "")
            )
        else:
            entity.abandon(token)
    return {}


def _peek(entity: Entity, body: Any) -> dict[str, Any]:
    found = entity.peek(body["from-sequence-number"], body["message-count"])
    return {"messages": [{"message": encoded(stored)} for stored in found]}


_OPERATIONS = {
    "renew-lock": _renew_locks,
    "renew-session-lock": _renew_session,
    "update-disposition": _settle,
    "peek-message": _peek,
}


def _timestamp(seconds: float) -> timestamp:
    return timestamp(int(seconds * 1000))


def _reply(
    request: Message, status: int, why: str = "OK", *, body: Any = None, condition: str = ""
) -> Message:
    # $cbs and $management spell the names of the status differently.
    properties: dict[str, Any] = {
        "status-code": status,
        "status-description": why,
        "statusCode": status,
        "statusDescription": why,
    }
    if condition:
        properties["errorCondition"] = symbol(condition)
    return Message(body, correlation_id=request.id, properties=properties)
