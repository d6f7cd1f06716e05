"""API keys: kept as digests, limited by scopes and time, ended with the password and the account."""

from datetime import timedelta
from hashlib import sha256
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from shop.accounts import api_keys
from shop.accounts.models import ApiKey
from shop.accounts.scopes import scope_allows
from shop.accounts.tasks import prune_keys

pytestmark = pytest.mark.django_db
KEYS, TOKEN, ORDERS = "/api/v1/keys", "/api/v1/token", "/api/v1/orders"
PASSWORD = "correct horse"


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", "ada@example.com", PASSWORD)


@pytest.fixture
def till(ada) -> str:
    """Text of a key of Ada."""
    return api_keys.create_key(user=ada, name="till")[1]


def client(text) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {text}"})


def opens(text) -> bool:
    return client(text).get(ORDERS).status_code == 200


# --- Made and kept ---


def test_no_column_of_any_table_has_the_key_in_clear(ada, till):
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT count(*) FROM "{table}" AS t WHERE t::text LIKE %s', [f"%{till[13:]}%"])
            assert cursor.fetchone() == (0,), table


def test_scanners_find_a_key_by_its_beginning(till):
    assert till.startswith("shop_")
    assert len(till) == 56
    assert ApiKey.objects.get().digest == sha256(till.encode()).hexdigest()


def test_a_password_is_exchanged_for_a_new_key_each_time(ada):
    answers = [APIClient().post(TOKEN, {"username": "ada", "password": PASSWORD}, "json") for _ in range(2)]
    first, second = (answer.json()["token"] for answer in answers)
    assert first != second
    assert opens(first)
    assert opens(second)
    assert answers[0]["Cache-Control"] == "no-store"
    assert ApiKey.objects.filter(expires_at__lt=timezone.now() + timedelta(days=91)).count() == 2


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"username": "nobody"}, {"password": ""}])
def test_a_wrong_password_is_exchanged_for_nothing(ada, wrong):
    answer = APIClient().post(TOKEN, {"username": "ada", "password": PASSWORD, **wrong}, "json")
    assert answer.status_code == 400
    assert not ApiKey.objects.exists()


def test_exchanged_keys_make_room_for_new_ones_and_spare_the_others(ada, till):
    texts = [api_keys.exchange_password(user=ada) for _ in range(api_keys.MAX_KEYS // 2 + 1)]
    assert not opens(texts[0])
    assert all(map(opens, [till, texts[1], texts[-1]]))


# --- The owner's own ---


def test_a_key_is_shown_once(till):
    made = client(till).post(KEYS, {"name": "laptop"}, "json")
    assert made.status_code == 201
    assert opens(made.json()["key"])
    listed = client(till).get(KEYS).json()["results"]
    assert [key["name"] for key in listed] == ["laptop", "till"]
    assert made.json()["key"] not in str(listed)
    assert "digest" not in str(listed)


def test_owners_revoke_their_own_keys_and_no_others(till):
    bob = User.objects.create_user("bob")
    other, text = api_keys.create_key(user=bob, name="bob's")
    assert client(till).delete(f"{KEYS}/{other.pk}").status_code == 404
    assert opens(text)
    mine = client(till).get(KEYS).json()["results"][0]["id"]
    assert client(till).delete(f"{KEYS}/{mine}").status_code == 204
    assert not opens(till)


def test_a_key_made_with_another_one_ends_with_it(ada):
    soon = timezone.now() + timedelta(days=1)
    parent, text = api_keys.create_key(user=ada, name="stolen", expires_at=soon)
    made = client(text).post(KEYS, {"name": "everlasting"}, "json").json()
    assert ApiKey.objects.get(name="everlasting").expires_at == soon
    api_keys.revoke([parent])
    assert not opens(made["key"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "x" * 61},
        {"scopes": ["orders:everything"]},
        {"scope": ["orders:read"]},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2999-01-01T00:00:00Z"},
    ],
)
def test_a_wrong_request_makes_no_key(till, wrong):
    answer = client(till).post(KEYS, {"name": "x", **wrong}, "json")
    assert answer.status_code == 400
    assert ApiKey.objects.count() == 1


def test_a_user_has_a_bounded_number_of_keys(ada, till):
    for _ in range(api_keys.MAX_KEYS - 1):
        api_keys.create_key(user=ada, name="one of many")
    assert client(till).post(KEYS, {"name": "one more"}, "json").status_code == 409


# --- Scopes ---


def test_a_scope_allows_its_context_and_method_alone(ada, rf):
    key, _ = api_keys.create_key(user=ada, name="reader", scopes=["orders:read", "payments:write"])
    request = rf.get("/")
    request.auth = key
    assert scope_allows(request, "orders", "GET")
    assert scope_allows(request, "payments.retry_refund", "POST")
    assert not scope_allows(request, "orders", "POST")
    assert not scope_allows(request, "payments", "HEAD")
    assert not scope_allows(request, "shipping", "GET")
    key.scopes = []
    assert scope_allows(request, "shipping", "DELETE")


def test_a_key_with_scopes_makes_and_sees_no_keys(ada):
    _, text = api_keys.create_key(user=ada, name="reader", scopes=["orders:read"])
    assert client(text).get(KEYS).status_code == 403
    assert client(text).post(KEYS, {"name": "wider"}, "json").status_code == 403


# --- Ends ---


def test_a_changed_password_ends_all_keys(ada, till):
    ada.set_password("another horse")
    ada.save()
    assert not opens(till)
    assert not ApiKey.objects.exists()


def test_a_password_changed_by_an_operator_ends_all_keys(admin_client, ada, till):
    new = {"password1": "another horse", "password2": "another horse", "usable_password": "true"}
    answer = admin_client.post(f"/admin/auth/user/{ada.pk}/password/", new)
    assert answer.status_code == 302
    assert not opens(till)


def test_a_closed_account_ends_all_keys_for_good(ada, till):
    ada.is_active = False
    ada.save()
    User.objects.update(is_active=True)
    assert not opens(till)


def test_a_login_ends_no_keys_not_even_when_it_renews_the_hash(ada, till, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.ScryptPasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        "django.contrib.auth.hashers.MD5PasswordHasher",
    ]
    before = User.objects.get().password
    assert Client().login(username="ada", password=PASSWORD)
    assert User.objects.get().password != before
    assert opens(till)


def test_a_hash_that_is_assigned_ends_all_keys(ada, till):
    ada.password = make_password("another horse")
    ada.save(update_fields=["password"])
    assert not opens(till)


def test_keys_that_ended_long_ago_are_deleted(ada, till):
    api_keys.create_key(user=ada, name="old", expires_at=timezone.now() - timedelta(days=31))
    prune_keys.apply()
    assert [key.name for key in ApiKey.objects.all()] == ["till"]


# --- Staff ---


def test_staff_with_the_permission_revoke_and_never_see_a_key(client, till):
    staff = User.objects.create_user("olga", is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_apikey", "delete_apikey"]))
    client.force_login(staff)
    key = ApiKey.objects.get()
    for page in (f"/admin/accounts/apikey/{key.pk}/change/", "/admin/accounts/apikey/"):
        shown = client.get(page).content.decode()
        assert key.prefix in shown
        assert till not in shown
        assert key.digest not in shown
    assert client.get("/admin/accounts/apikey/add/").status_code == 403
    client.post(f"/admin/accounts/apikey/{key.pk}/delete/", {"post": "yes"})
    assert not opens(till)


# --- An earlier release ---


@pytest.fixture
def earlier_release(ada):
    """Ada's token in the table of an earlier release."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE authtoken_token (key varchar(40) PRIMARY KEY, created timestamptz NOT NULL,"
            " user_id integer NOT NULL UNIQUE REFERENCES auth_user DEFERRABLE INITIALLY DEFERRED)"
        )
        cursor.execute("INSERT INTO authtoken_token VALUES (%s, now(), %s)", ["0123abcd" * 5, ada.pk])
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return "0123abcd" * 5


def test_a_token_of_an_earlier_release_goes_on_hashed_and_for_a_time(earlier_release):
    migration = import_module("shop.accounts.migrations.0002_carry_tokens_over")
    with connection.schema_editor() as editor:
        migration.carry_tokens_over(apps, editor)
    assert opens(earlier_release)
    key = ApiKey.objects.get()
    assert timezone.now() < key.expires_at < timezone.now() + timedelta(days=91)
    assert key.digest != earlier_release
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('authtoken_token')")
        assert cursor.fetchone() == (None,)
