"""Limits on requests, and the refusal of what is beyond them: 429, with the time to wait."""

import math
from dataclasses import dataclass
from typing import Any, NoReturn

from django.conf import settings
from django.http import HttpRequest
from rest_framework import exceptions, status
from rest_framework.request import Request

from shop.accounts import counters

#: Group of the accounts that no limit holds for, such as those of load tests and of resellers.
UNLIMITED = "Without limits"


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit as a client is told of it, by the fields of draft-ietf-httpapi-ratelimit-headers-10."""

    name: str
    quota: int
    window: int
    remaining: int
    seconds_left: float

    @property
    def wait(self) -> int:
        """Whole seconds to wait."""
        return max(1, math.ceil(self.seconds_left))

    @property
    def headers(self) -> dict[str, str]:
        """Fields of a response."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.quota};w={self.window}',
            "RateLimit": f'"{self.name}";r={max(0, self.remaining)};t={self.wait}',
        }


class Refusal(exceptions.APIException):
    """Refusal of a request that may be repeated after a wait."""

    def __init__(self, detail: str, *, wait: int) -> None:
        super().__init__(detail)
        self.wait = wait


class TooManyRequests(Refusal):
    """Request beyond a limit (429)."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    default_code = "throttled"

    def __init__(self, limit: Limit) -> None:
        super().__init__(f"Too many requests: try again in {limit.wait} seconds.", wait=limit.wait)
        self.limit = limit


class Busy(Refusal):
    """Request that this process has no room for at the moment (503)."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unavailable"

    def __init__(self) -> None:
        super().__init__("Too much is going on at the moment: try again in a second.", wait=1)


def use(name: str, client: str, *, quota: int, window: int) -> Limit:
    """Count a request of a client and return its limit; beyond it, less than zero remains."""
    counted = counters.count(name, client, seconds=window)
    return Limit(name, quota, window, quota - counted.number, counted.seconds_left)


def enforce(request: HttpRequest | Request, name: str, client: str, *, quota: int, window: int) -> None:
    """Count a request of a client; raise :class:`TooManyRequests` beyond ``quota``, of which 0 is none."""
    if quota and (limit := use(name, client, quota=quota, window=window)).remaining < 0:
        refuse(request, limit)


def refuse(request: HttpRequest | Request, limit: Limit) -> NoReturn:
    """Raise :class:`TooManyRequests`, and have the response say which limit it is."""
    announce(request, limit)
    raise TooManyRequests(limit)


def refuse_orders(request: HttpRequest | Request, *, wait: float) -> NoReturn:
    """Refuse an order: the customer has placed as many within a minute as one may."""
    refuse(request, Limit("orders", settings.SHOP_ORDERS_A_MINUTE, 60, 0, wait))


def announce(request: HttpRequest | Request, limit: Limit) -> None:
    """Have the response to a request say how much of a limit remains."""
    plain: Any = getattr(request, "_request", request)
    plain.rate_limit = limit
