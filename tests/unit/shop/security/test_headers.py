import importlib

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import clear_url_caches, reverse
from rest_framework.settings import api_settings
from rest_framework.test import APIClient

import shop.urls
from shop.security.headers import EXCEPTIONS, PAGES, SecurityHeaders
from shop.security.health import CHECKS
from tests.support.pages import PUBLIC_PAGES

pytestmark = pytest.mark.django_db

UNSAFE = ("unsafe-inline", "unsafe-eval", "http:", "https:", "*")


def policy(response) -> dict[str, str]:
    directives = response.headers["Content-Security-Policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_pages_allow_neither_inline_code_nor_eval_nor_other_sites(client: Client, path: str):
    found = policy(client.get(path))

    assert found["default-src"] == "'none'"
    assert not [word for word in UNSAFE if word in " ".join(found.values())]


@pytest.mark.parametrize("path", [*PUBLIC_PAGES, "/admin/login/", "/api/v1/docs", *CHECKS, "/nothing"])
def test_every_answer_has_the_security_headers(client: Client, path: str):
    headers = client.get(path).headers
    is_probe = path in CHECKS  # answered ahead of Django's own middleware

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert is_probe or headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert is_probe or headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_data_may_load_nothing(client: Client):
    found = policy(client.get("/api/v1/products", headers={"Accept": "application/json"}))
    assert found == {"default-src": "'none'", "frame-ancestors": "'none'"}


def test_no_exception_allows_scripts(client: Client):
    assert all("script-src" not in changes for changes in EXCEPTIONS.values())
    assert PAGES["script-src"] == "'self'"


def test_answers_to_an_account_are_not_stored(client: Client):
    user = User.objects.create_user("ada", password="correct horse")
    api = APIClient()
    api.force_authenticate(user)

    for path in ("/accounts/login/", "/accounts/register/", "/admin/login/", "/api/auth/login/"):
        assert "no-store" in client.get(path).headers["Cache-Control"]
    with_key = client.get("/api/v1/orders", headers={"Authorization": "Bearer wrong"})
    assert "no-store" in with_key.headers["Cache-Control"]
    client.force_login(user)
    for path in ("/", "/orders/", "/basket/", "/api/v1/orders", "/api/v1/products"):
        assert "no-store" in client.get(path).headers["Cache-Control"]


def test_answers_to_anybody_and_static_files_may_be_stored(client: Client, rf: RequestFactory):
    assert "no-store" not in client.get("/").headers.get("Cache-Control", "")
    request = rf.get("/static/storefront/shop.css")
    request.COOKIES["sessionid"] = "x"
    file = SecurityHeaders(lambda request: HttpResponse(headers={"Cache-Control": "max-age=60"}))(request)
    assert file.headers["Cache-Control"] == "max-age=60"


def test_a_probe_is_answered_without_https_and_whatever_host_it_names(client: Client, settings):
    settings.SECURE_SSL_REDIRECT, settings.ALLOWED_HOSTS = True, ["shop.example.com"]

    for path in CHECKS:
        assert client.get(path, headers={"Host": "10.0.0.7:8000"}).status_code == 200
    assert client.get("/", headers={"Host": "10.0.0.7:8000"}).status_code == 400
    assert client.get("/", headers={"Host": "shop.example.com"}).status_code == 301


@pytest.fixture
def closed_docs(settings):
    settings.SHOP_API_DOCS = False
    importlib.reload(shop.urls)
    clear_url_caches()
    yield
    settings.SHOP_API_DOCS = True
    importlib.reload(shop.urls)
    clear_url_caches()


def test_documents_and_their_pages_can_be_closed(client: Client, closed_docs):
    for path in ("/api/v1/docs", "/api/v1/schema", "/api/v1/asyncapi", "/api/auth/login/"):
        assert client.get(path).status_code == 404
    root = client.get("/api/v1/", headers={"Accept": "application/json"}).json()
    assert "orders" in root
    assert not {"OpenAPI", "documentation", "AsyncAPI"} & root.keys()
    assert "API</a>" not in client.get("/").content.decode()


def test_the_browsable_api_is_open_unless_it_is_closed(client: Client):
    names = [renderer.__name__ for renderer in api_settings.DEFAULT_RENDERER_CLASSES]
    assert "BrowsableAPIRenderer" in names
    assert "text/html" in client.get(reverse("api"), headers={"Accept": "text/html"}).headers["Content-Type"]
