"""Second factors: enrolment, the second step behind every door, recovery codes, and requiring them."""

import re
import time

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient

from shop.accounts import two_factor
from shop.accounts.models import ApiKey
from tests.unit.storefront.conftest import text_of

pytestmark = pytest.mark.django_db
LOGIN, STEP, MANAGE = "/accounts/login/", "/accounts/second-step/", "/accounts/two-factor/"
TOKEN = "/api/v1/token"
ADA = {"username": "ada", "password": "correct horse"}
DOORS = ["/accounts/login/", "/admin/login/", "/api/auth/login/"]


def code_of(user: User, *, steps: int = 0) -> str:
    """Return the code that the user's app shows, now or some steps of 30 seconds later."""
    totp = TOTP(TOTPDevice.objects.get(user=user).bin_key)
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06}"


@pytest.fixture
def codes(ada) -> list[str]:
    """Recovery codes of Ada, who is staff and has enrolled a device."""
    ada.is_staff = True
    ada.save()
    two_factor.begin_enrolment(ada)
    attempts = (two_factor.enrol(ada, code_of(ada, steps=-1)) for _ in range(2))  # a step may end in between
    found = next(filter(None, attempts), None)
    assert found
    return found


def logged_in(door: str = LOGIN) -> Client:
    """Client that has given Ada's password at a door."""
    client = Client()
    assert client.post(door, ADA).status_code == 302
    return client


# --- Enrolment ---


def test_a_device_is_enrolled_by_password_and_code(customer, ada):
    page = customer.get(MANAGE).content.decode()
    assert "<svg" in page
    assert "style=" not in page
    assert "<script>" not in page
    wish = {"password": "correct horse", "code": code_of(ada)}
    assert customer.post(MANAGE, {**wish, "password": "wrong"}).status_code == 422
    assert customer.post(MANAGE, {**wish, "code": "000000"}).status_code == 422
    assert not two_factor.has_device(ada)
    TOTPDevice.objects.update(throttling_failure_count=0)
    shown = customer.post(MANAGE, wish)
    assert len(re.findall("(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}", shown.content.decode())) == 10
    assert two_factor.has_device(ada)
    assert customer.get("/accounts/").status_code == 200


def test_no_recovery_code_is_stored_in_clear(codes):
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, ' ') FROM accounts_recoverycode AS t")
        stored = cursor.fetchone()[0]
    assert codes[0].replace("-", "") not in stored


# --- Second step ---


@pytest.mark.parametrize("door", DOORS)
def test_a_password_alone_opens_nothing_whichever_door_takes_it(codes, catalogue, door):
    client = logged_in(door)
    for page in ("/", "/accounts/", "/orders/", "/admin/", "/api/auth/login/"):
        assert client.get(page)["Location"].startswith(f"{STEP}?next="), page
    assert client.get("/api/v1/orders").status_code in {401, 403}
    assert client.post("/api/v1/keys", {"name": "x"}).status_code in {401, 403}
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("door", DOORS)
def test_a_code_opens_what_the_door_leads_to(codes, ada, catalogue, door):
    client = logged_in(door)
    before = client.cookies["sessionid"].value
    answer = client.post(STEP, {"code": code_of(ada), "next": "/admin/"})
    assert answer["Location"] == "/admin/"
    assert client.cookies["sessionid"].value != before
    assert client.get("/admin/").status_code == 200
    assert client.get("/api/v1/orders").status_code == 200


def test_a_code_works_once(codes, ada):
    code = code_of(ada)
    assert logged_in().post(STEP, {"code": code}).status_code == 302
    assert logged_in().post(STEP, {"code": code}).status_code == 422


def test_a_recovery_code_works_once(codes):
    code = codes[0].lower()
    assert logged_in().post(STEP, {"code": code}).status_code == 302
    assert logged_in().post(STEP, {"code": code}).status_code == 422
    assert logged_in().post(STEP, {"code": codes[1]}).status_code == 302


def test_guesses_have_to_wait(codes, ada):
    client = logged_in()
    assert client.post(STEP, {"code": "000000"}).status_code == 422
    assert client.post(STEP, {"code": code_of(ada)}).status_code == 422, "the right one comes too soon"


def test_the_second_step_leads_to_no_other_site(codes, ada):
    assert logged_in().post(STEP, {"code": code_of(ada), "next": "//evil.example"})["Location"] == "/"


def test_accounts_without_a_device_know_no_second_step(ada, catalogue):
    client = logged_in()
    assert client.get("/accounts/").status_code == 200
    assert client.get(STEP)["Location"] == "/"


# --- Keys ---


@pytest.mark.parametrize("totp", [{}, {"totp": "000000"}, {"totp": ""}])
def test_a_password_alone_is_exchanged_for_no_key(codes, totp):
    answer = APIClient().post(TOKEN, {**ADA, **totp}, "json")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "totp"
    assert not ApiKey.objects.exists()


def test_password_and_code_are_exchanged_for_a_key_once(codes, ada):
    body = {**ADA, "totp": code_of(ada)}
    assert "token" in APIClient().post(TOKEN, body, "json").json()
    assert APIClient().post(TOKEN, body, "json").status_code == 400


# --- Changes ---


def test_a_device_is_removed_by_its_code_alone(codes, ada):
    client = logged_in()
    client.post(STEP, {"code": codes[0]})
    assert client.post(MANAGE, {"code": "wrong", "remove": "yes"}).status_code == 422
    assert client.post(MANAGE, {"code": codes[1], "remove": "yes"}).status_code == 302
    assert not two_factor.has_device(ada)


def test_new_recovery_codes_replace_the_old_ones(codes, ada):
    client = logged_in()
    client.post(STEP, {"code": codes[0]})
    client.post(MANAGE, {"code": codes[1]})
    assert not two_factor.check_code(ada, codes[2])


def test_staff_remove_a_lost_device_and_never_see_a_secret(codes, ada, client):
    olga = User.objects.create_user("olga", is_staff=True)
    wanted = ["view_totpdevice", "delete_totpdevice"]
    olga.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(olga)
    device = TOTPDevice.objects.get()
    pages = ["", f"{device.pk}/change/", f"{device.pk}/config/", f"{device.pk}/qrcode/"]
    for page in pages:
        shown = client.get(f"/admin/otp_totp/totpdevice/{page}", follow=True).content.decode()
        assert device.key not in shown
        assert device.config_url.partition("secret=")[2][:20] not in shown
        assert "qrline" not in shown
    client.post(f"/admin/otp_totp/totpdevice/{device.pk}/delete/", {"post": "yes"})
    assert not two_factor.has_device(ada)


# --- Required ---


@pytest.fixture
def staff(ada, settings) -> User:
    """Ada as staff without a device, in a shop that requires one."""
    settings.SHOP_REQUIRE_TWO_FACTOR = True
    User.objects.filter(pk=ada.pk).update(is_staff=True, is_superuser=True)
    ada.refresh_from_db()
    return ada


@pytest.mark.parametrize("door", DOORS)
def test_staff_enrols_before_anything_else_where_that_is_required(staff, catalogue, door):
    client = logged_in(door)
    assert client.get("/admin/")["Location"] == f"{MANAGE}?next=%2Fadmin%2F"
    assert client.get("/api/v1/orders").status_code in {401, 403}
    assert "asks all staff" in text_of(client.get(MANAGE))
    client.post(MANAGE, {"password": "correct horse", "code": code_of(staff)})
    assert client.get("/admin/").status_code == 200


def test_sessions_from_before_it_was_required_enrol_too(ada, settings, catalogue):
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    client = logged_in()
    assert client.get("/admin/").status_code == 200
    settings.SHOP_REQUIRE_TWO_FACTOR = True
    assert client.get("/admin/")["Location"].startswith(MANAGE)


def test_staff_without_a_device_exchanges_no_password_where_one_is_required(staff):
    assert APIClient().post(TOKEN, ADA, "json").status_code == 400
    assert not ApiKey.objects.exists()


def test_staff_cannot_remove_what_is_required(staff):
    two_factor.begin_enrolment(staff)
    codes = two_factor.enrol(staff, code_of(staff))
    client = logged_in()
    client.post(STEP, {"code": codes[0]})
    client.post(MANAGE, {"code": codes[1], "remove": "yes"})
    assert two_factor.has_device(staff)


def test_customers_need_no_device_where_staff_does(ada, settings, catalogue):
    settings.SHOP_REQUIRE_TWO_FACTOR = True
    assert logged_in().get("/accounts/").status_code == 200
