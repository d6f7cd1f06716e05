"""Errors of Stripe's API, as it answers them."""

from typing import Any


class Refused(Exception):
    """Answer of a request that is not carried out, or not as it was meant."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **more}}


def invalid(message: str, *, code: str | None = None, param: str | None = None, status: int = 400) -> Refused:
    """Make the answer of a request that is wrong."""
    more = {name: value for name, value in {"code": code, "param": param}.items() if value}
    return Refused(status, "invalid_request_error", message, **more)


def missing(kind: str, name: str, *, param: str, status: int = 400) -> Refused:
    return invalid(f"No such {kind}: '{name}'", code="resource_missing", param=param, status=status)


def server_error() -> Refused:
    return Refused(500, "api_error", "An unknown error occurred")


def rate_limited() -> Refused:
    return Refused(429, "invalid_request_error", "Request rate limit exceeded.", code="rate_limit")


def key_in_use() -> Refused:
    message = "There is currently another in-progress request using this Idempotent Key."
    return Refused(409, "idempotency_error", message, code="idempotency_key_in_use")


def other_parameters(key: str) -> Refused:
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    return Refused(400, "idempotency_error", message)
