"""A request under an Idempotency-Key takes effect once, and its repeats get the first answer."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver

from inventory import services
from inventory.models import StockMovement
from shop.rest.models import IdempotencyRecord
from shop.rest.tasks import prune_idempotency_keys
from tests.unit.shop.rest.idempotency.conftest import FIVE_MORE, URL

pytestmark = pytest.mark.django_db

UNSAFE = ("post", "put", "patch", "delete")


def views(patterns=None):
    """All views of the REST API, each with the names of its methods by HTTP method."""
    for entry in patterns or get_resolver().url_patterns:
        if isinstance(entry, URLResolver):
            yield from views(entry.url_patterns)
        elif isinstance(entry, URLPattern) and (view := getattr(entry.callback, "cls", None)):
            yield view, getattr(entry.callback, "actions", None) or {m: m for m in view.http_method_names}


def test_every_unsafe_call_heeds_the_key():
    methods = {
        f"{view.__name__}.{name}": getattr(view, name)
        for view, actions in views()
        for method, name in actions.items()
        if method in UNSAFE and hasattr(view, name)
    }
    assert len(methods) >= 6
    assert {name for name, method in methods.items() if not hasattr(method, "idempotency")} == set()


def test_under_one_key_the_stock_is_adjusted_once(adjust, available):
    first, second = adjust('"k-1"'), adjust('"k-1"')
    assert (first.status_code, first.json()["available"]) == (200, 15)
    assert (second.status_code, second.content) == (200, first.content)
    assert (available(), StockMovement.objects.filter(kind="adjusted").count()) == (15, 1)


def test_only_a_replay_is_marked(adjust):
    assert "Idempotent-Replayed" not in adjust("k-1").headers
    assert adjust("k-1")["Idempotent-Replayed"] == "true"


def test_the_answer_stays_whatever_comes_in_between(adjust, available):
    first = adjust("k-1")
    adjust("k-2")
    assert adjust("k-1").content == first.content
    assert available() == 20


def test_quoted_or_bare_it_is_one_key(adjust, available):
    adjust('"k-1"')
    assert adjust("k-1")["Idempotent-Replayed"] == "true"
    assert available() == 15


def test_where_stock_moves_a_key_is_required(adjust, available):
    response = adjust(None)
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "Idempotency-Key"
    assert available() == 10


@pytest.mark.parametrize("key", ["", '""', '"open', "x" * 256, "schlüssel", "a\tb"])
def test_a_malformed_key_is_refused(adjust, available, key):
    response = adjust(key)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert available() == 10


def test_another_body_under_the_key_is_422(adjust, available):
    adjust("k-1")
    response = adjust("k-1", {**FIVE_MORE, "quantity": 6})
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert available() == 15


def test_the_order_of_fields_makes_no_other_body(adjust):
    adjust("k-1")
    assert adjust("k-1", dict(reversed(FIVE_MORE.items())))["Idempotent-Replayed"] == "true"


def test_users_and_paths_have_keys_of_their_own(adjust, available):
    services.add_product(sku="KETTLE", name="Kettle", price=Decimal("89.00"), stock=1)
    adjust("k-1")
    other = adjust("k-1", user=User.objects.create_superuser("otto"))
    kettle = adjust("k-1", url=URL.replace("TEAPOT", "KETTLE"))
    assert (other.json()["available"], kettle.json()["available"]) == (20, 6)


def test_a_refusal_is_not_kept(adjust, available):
    assert adjust("k-1", {"quantity": -11, "reason": "Broken"}).status_code == 409
    adjust("k-2")
    response = adjust("k-1", {"quantity": -11, "reason": "Broken"})
    assert (response.status_code, available()) == (200, 4)


def test_an_answer_is_not_stored_in_clear(adjust):
    adjust("the-secret-key")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_jsonb(r)::text, convert_from(answer, 'latin1') FROM rest_idempotencyrecord r"
        )
        stored = " ".join(cursor.fetchone())
    assert "Teapot" not in stored
    assert "the-secret-key" not in stored


def test_a_new_secret_opens_answers_of_the_former_one_while_it_is_named(adjust, settings, available):
    first = adjust("k-1")
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another"
    assert adjust("k-1").content == first.content
    settings.SECRET_KEY_FALLBACKS = []
    lost = adjust("k-1")
    assert (lost.status_code, lost.json()["code"]) == (409, "answer_lost")
    assert available() == 15


def test_keys_expire(adjust, available):
    adjust("k-old")
    IdempotencyRecord.objects.update(created_at=datetime.now(UTC) - timedelta(days=31))
    adjust("k-young")
    assert prune_idempotency_keys() == {"pruned": 1}
    adjust("k-young")
    assert available() == 20
    adjust("k-old")
    assert available() == 25


def test_a_token_is_never_stored(client_of, django_user_model):
    ada = django_user_model.objects.create_user("ada", password="correct horse battery")
    body = {"username": "ada", "password": "correct horse battery"}
    client = client_of(None)
    assert (
        client.post("/api/v1/token", body, format="json", headers={"Idempotency-Key": '"open'}).status_code
        == 400
    )
    assert (
        client.post("/api/v1/token", body, format="json", headers={"Idempotency-Key": "k-1"}).status_code
        == 200
    )
    made = client_of(ada).post(
        "/api/v1/keys", {"name": "till"}, format="json", headers={"Idempotency-Key": "k-2"}
    )
    assert made.status_code == 201
    assert not IdempotencyRecord.objects.exists()
