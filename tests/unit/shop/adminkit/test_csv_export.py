"""A list is exported as CSV: all that the filters let through, in its columns, safe for spreadsheets."""

import csv
import io

import pytest
from django.contrib.auth.models import Permission, User

from shop.adminkit import csv_export
from shop.webhooks.models import ProviderNotice

pytestmark = pytest.mark.django_db
LIST = "/admin/auth/user/"


@pytest.fixture
def olga(client):
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "correct horse"))
    return client


def rows(response) -> list[list[str]]:
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_all_rows_are_exported_over_the_pages_newest_first(olga, monkeypatch):
    monkeypatch.setattr(csv_export, "_PAGE", 2)
    for number in range(5):
        User.objects.create_user(f"customer{number}")
    head, *found = rows(olga.get(LIST, {"export": "csv"}))
    assert head[0].lower() == "username"
    assert [row[0] for row in found] == [*(f"customer{number}" for number in range(4, -1, -1)), "olga"]


def test_a_filter_and_a_search_narrow_the_export(olga):
    User.objects.create_user("customer")
    assert [row[0] for row in rows(olga.get(LIST, {"export": "csv", "is_staff__exact": "1"}))[1:]] == ["olga"]
    assert [row[0] for row in rows(olga.get(LIST, {"export": "csv", "q": "customer"}))[1:]] == ["customer"]


def test_a_filter_that_is_none_leads_back_to_the_list(olga):
    assert olga.get(LIST, {"export": "csv", "nonsense": "1"}).status_code == 302


def test_no_text_is_taken_for_a_formula(olga):
    User.objects.create_user("eve", first_name="=HYPERLINK(1)")
    (row,) = [row for row in rows(olga.get(LIST, {"export": "csv"})) if row[0] == "eve"]
    assert "'=HYPERLINK(1)" in row
    assert "=HYPERLINK(1)" not in row


def test_who_may_not_see_the_list_may_not_export_it(client):
    client.force_login(User.objects.create_user("sam", is_staff=True))
    assert client.get(LIST, {"export": "csv"}).status_code == 403


def test_an_export_is_in_the_security_log(olga, caplog):
    with caplog.at_level("INFO", "shop.security"):
        rows(olga.get(LIST, {"export": "csv"}))
    assert "list_exported" in caplog.text
    assert "auth.user" in caplog.text


def test_a_list_without_rows_has_a_head_alone(client):
    user = User.objects.create_user("nora", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_providernotice"))
    client.force_login(user)
    assert not ProviderNotice.objects.exists()
    assert len(rows(client.get("/admin/webhooks/providernotice/", {"export": "csv"}))) == 1
