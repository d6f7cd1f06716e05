"""Statement timeouts: of web requests alone, and their answers."""

import os
import subprocess
import sys

import pytest
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from shop import urls
from shop.urls import handler400, handler500  # noqa: F401 - Django reads them here

pytestmark = pytest.mark.django_db

SHOW = """
from django.db import connection
cursor = connection.cursor()
cursor.execute("SHOW statement_timeout")
print(*cursor.fetchone())
"""


def sleep() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 20")
        cursor.execute("SELECT pg_sleep(30)")


def page(request: HttpRequest) -> HttpResponse:
    sleep()
    return HttpResponse()


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret")


class Resource(APIView):
    permission_classes = ()

    def get(self, request: object) -> Response:
        sleep()
        return Response()


urlpatterns = [
    *urls.urlpatterns,
    path("page", page),
    path("api/v1/resource", Resource.as_view()),
    path("api/v1/page", page),
    path("api/v1/broken", broken),
]


@pytest.fixture
def visitor(settings) -> Client:
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


@pytest.mark.parametrize("url", ["/api/v1/resource", "/api/v1/page"])
def test_a_statement_that_is_given_up_is_a_problem_of_the_api(visitor, url):
    answer = visitor.get(url)
    assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
    assert "ask for less at once" in answer.json()["detail"]


def test_a_statement_that_is_given_up_is_a_plain_503_of_a_page(visitor):
    answer = visitor.get("/page")
    assert (answer.status_code, answer["Content-Type"]) == (503, "text/plain; charset=utf-8")
    assert "ask for less at once" in answer.content.decode()


def test_a_failure_of_the_api_is_a_problem_and_tells_nothing(visitor):
    answer = visitor.get("/api/v1/broken")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert b"secret" not in answer.content


@pytest.mark.parametrize(("module", "limit"), [("shop.wsgi", "1500ms"), ("django; django.setup()", "0")])
def test_only_the_web_has_a_statement_timeout(module, limit):
    env = {
        **{name: value for name, value in os.environ.items() if name != "SHOP_SERVES_WEB"},
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "SHOP_WEB_STATEMENT_TIMEOUT_SECONDS": "1.5",
    }
    argv = [sys.executable, "-W", "ignore", "-c", f"import {module}\n{SHOW}"]
    shown = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == limit
