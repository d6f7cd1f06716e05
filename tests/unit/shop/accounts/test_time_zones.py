"""The admin shows times in the operator's zone: the chosen one, else the browser's, else UTC."""

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from console.models import Checkup
from shop.accounts.models import OperatorZone
from shop.accounts.time_zones import TimeZoneMiddleware

pytestmark = pytest.mark.django_db

PAGE = "/admin/console/checkup/"


@pytest.fixture
def olga(client) -> User:
    user = User.objects.create_superuser("olga")
    client.force_login(user)
    checkup = Checkup.objects.create(by="dora", repairing=False)
    Checkup.objects.filter(pk=checkup.pk).update(began_at="2026-07-01T10:00Z")
    return user


def seen(client: Client) -> str:
    return client.get(PAGE).content.decode()


def test_without_a_choice_times_are_in_the_zone_of_the_browser(client, olga):
    assert "2026-07-01 10:00 UTC" in seen(client)
    client.cookies["shop_zone"] = "America/New_York"
    assert "2026-07-01 06:00 EDT" in seen(client)


@pytest.mark.parametrize("told", ["Mars/Olympus", "../../etc/passwd", "localtime", "Etc/GMT+5"])
def test_a_browser_that_tells_no_zone_is_not_believed(client, olga, told):
    client.cookies["shop_zone"] = told
    assert "2026-07-01 10:00 UTC" in seen(client)


def test_a_chosen_zone_is_kept_for_all_browsers_until_it_is_taken_back(client, olga):
    client.cookies["shop_zone"] = "America/New_York"
    client.post("/admin/time-zone/", {"zone": "Europe/Berlin"})
    assert "2026-07-01 12:00 CEST" in seen(client)
    other = Client()
    other.force_login(olga)
    assert "2026-07-01 12:00 CEST" in seen(other)
    client.post("/admin/time-zone/", {"zone": ""})
    assert "2026-07-01 06:00 EDT" in seen(client)
    assert not OperatorZone.objects.exists()


def test_a_zone_that_does_not_exist_is_refused(client, olga):
    assert (
        "Select a valid choice" in client.post("/admin/time-zone/", {"zone": "Mars/Olympus"}).content.decode()
    )
    assert not OperatorZone.objects.exists()


def test_all_but_the_admin_stays_with_utc(client, olga):
    client.post("/admin/time-zone/", {"zone": "Europe/Berlin"})
    seen(client)
    assert timezone.get_current_timezone_name() == "UTC"
    request = RequestFactory().get("/api/v1/orders")
    request.session = {"time_zone": "Europe/Berlin"}
    told = TimeZoneMiddleware(lambda _: HttpResponse(timezone.get_current_timezone_name()))(request)
    assert told.content == b"UTC"
