"""Webhooks of the simulated providers in tests without processes: through the shop's own door, at once."""

from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client

from shop.simulation import webhooks
from shop.webhooks.endpoints import Notice


def send_at_once(provider: str, told: Mapping[Notice, Mapping[str, Any]], *, after: float = 0.0) -> None:
    """Send notices without a thread and a network."""
    for notice, said in told.items():
        body = webhooks.body_of(notice, said)
        headers = webhooks.signed(provider, notice.event_id, body)
        path = f"/providers/{provider}/webhook"
        answer = Client().post(path, body, content_type="application/json", headers=headers)
        assert answer.status_code == 200, answer.content


def reach_shop_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the simulated providers send their webhooks so."""
    monkeypatch.setattr(webhooks, "send", send_at_once)
