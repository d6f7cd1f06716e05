"""Prometheus and Alertmanager that watch a running shop, asked over HTTP."""

import json
import urllib.parse
import urllib.request
from typing import Any


def query(url: str, expression: str) -> list[dict[str, Any]]:
    """Return the series of a PromQL expression. Raises HTTPError if it cannot be evaluated."""
    answer = _get(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
    assert answer["status"] == "success", answer
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def firing(alertmanager_url: str) -> set[str]:
    """Return the names of the alerts that Alertmanager has and would page somebody for."""
    return {alert["labels"]["alertname"] for alert in _get(f"{alertmanager_url}/api/v2/alerts?active=true")}


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback
        return json.load(answer)
