"""Connections to EasyPost's API, by the settings."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from django.conf import settings
from easypost.easypost_client import EasyPostClient

from shipping.easypost.failures import CarrierError, translated

A = TypeVar("A")
R = TypeVar("R")

#: Entries of a page of EasyPost's lists, the most that it allows.
PAGE = 100


def shipments() -> Any:
    """Return the SDK's service of shipments."""
    return _client().shipment


def trackers() -> Any:
    """Return the SDK's service of trackers."""
    return _client().tracker


def call_for_each(call: Callable[[str, A], R], wanted: Mapping[str, A]) -> dict[str, R | CarrierError]:
    """Call over several connections at once; return result or error by key."""

    def attempt(key: str) -> R | CarrierError:
        try:
            with translated():
                return call(key, wanted[key])
        except CarrierError as error:
            return error

    if len(wanted) < 2:
        return {key: attempt(key) for key in wanted}
    return dict(zip(wanted, _threads(settings.SHOP_EASYPOST_CONNECTIONS).map(attempt, wanted), strict=True))


def _client() -> Any:
    return _connected(
        settings.EASYPOST_API_KEY, settings.EASYPOST_API_BASE, settings.SHOP_EASYPOST_TIMEOUT.total_seconds()
    )


@cache
def _connected(api_key: str, base: str, timeout: float) -> EasyPostClient:
    return EasyPostClient(api_key, api_base=f"{base}/v2", timeout=timeout)  # type: ignore[arg-type]


@cache
def _threads(number: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(number, thread_name_prefix="easypost")
