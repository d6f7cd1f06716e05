"""Browsers of other origins: none by default, and those that the setting names."""

import pytest

from shop.cors_settings import cors_settings

API = "/api/v1/products"


@pytest.fixture
def named(monkeypatch) -> None:
    monkeypatch.setenv("SHOP_CORS_ORIGINS", "https://app.example, https://till.example")


def test_without_an_origin_nothing_is_imported_or_sent(monkeypatch, client, db):
    monkeypatch.delenv("SHOP_CORS_ORIGINS", raising=False)
    apps: list[str] = []
    middleware = ["first"]
    assert cors_settings(apps, middleware) == {}
    assert (apps, middleware) == ([], ["first"])
    answer = client.get(API, headers={"Origin": "https://app.example"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_origins_are_let_in_before_everything_else_and_without_cookies(named):
    apps: list[str] = []
    middleware = ["first"]
    found = cors_settings(apps, middleware)
    assert found["CORS_ALLOWED_ORIGINS"] == ["https://app.example", "https://till.example"]
    assert found["CORS_ALLOW_CREDENTIALS"] is False
    assert (apps, middleware[0]) == (["corsheaders"], "corsheaders.middleware.CorsMiddleware")


def test_a_named_origin_may_call_the_api_and_nothing_else(named, settings, client, db):
    pytest.importorskip("corsheaders")  # requirements-cors.txt
    apps, middleware = list(settings.INSTALLED_APPS), list(settings.MIDDLEWARE)
    for name, value in cors_settings(apps, middleware).items():
        setattr(settings, name, value)
    settings.MIDDLEWARE = middleware
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    preflight = client.options(API, headers=asked)
    assert preflight["Access-Control-Allow-Origin"] == "https://app.example"
    assert "idempotency-key" in preflight["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in preflight.headers
    assert "ETag" in client.get(API, headers=asked)["Access-Control-Expose-Headers"]
    for path, origin in ((API, "https://evil.example"), ("/", "https://app.example")):
        assert "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": origin}).headers
