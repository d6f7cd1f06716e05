"""Keyset lists: pages by key, no counts, searches by an index."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse

from shop.adminkit.keyset_lists import KeysetList
from shop.ids import uuid7
from shop.messaging.models import InboxEntry

pytestmark = pytest.mark.django_db

INBOX = reverse("admin:messaging_inboxentry_changelist")
#: No public function of the admin site lists all registered models.
KEYSET_MODELS = [
    model for model, registered in admin.site._registry.items() if isinstance(registered, KeysetList)
]


@pytest.fixture
def entries(monkeypatch) -> list[int]:
    """Keys of seven inbox entries, newest first, on pages of three."""
    monkeypatch.setattr(KeysetList, "list_per_page", 3)
    oldest_first = [
        InboxEntry.objects.create(event_id=uuid7(), consumer="orders.when_tried") for _ in range(7)
    ]
    return [entry.pk for entry in reversed(oldest_first)]


def keys_of(answer) -> list[int]:
    return [entry.pk for entry in answer.context["cl"].result_list]


def test_pages_lead_to_the_oldest_and_back(admin_client, entries):
    first = admin_client.get(INBOX)
    second = admin_client.get(INBOX + first.context["cl"].older_url)
    third = admin_client.get(INBOX + second.context["cl"].older_url)
    assert [keys_of(page) for page in (first, second, third)] == [entries[:3], entries[3:6], entries[6:]]
    assert (first.context["cl"].newer, third.context["cl"].older) == (None, None)

    back = admin_client.get(INBOX + third.context["cl"].newer_url)
    assert keys_of(back) == entries[3:6]
    again = admin_client.get(INBOX + back.context["cl"].newer_url)
    assert keys_of(again) == entries[:3]
    assert again.context["cl"].newer is None


def test_the_links_keep_filters_and_filters_drop_the_page(admin_client, entries):
    page = admin_client.get(INBOX, {"q": "", "before": entries[2], "consumer": "orders.when_tried"})
    assert "consumer=orders.when_tried" in page.context["cl"].older_url
    assert "before" not in page.context["cl"].get_query_string({"consumer": "x"})
    assert 'rel="next">Older</a>' in page.content.decode()


@pytest.mark.parametrize("cursor", ["x", "0", "-1", "9" * 30])
def test_a_cursor_that_somebody_made_up_does_no_harm(admin_client, entries, cursor):
    for name in ("before", "after"):
        assert admin_client.get(INBOX, {name: cursor}, follow=True).status_code == 200


@pytest.mark.parametrize("model", KEYSET_MODELS, ids=lambda model: model._meta.label)
def test_nothing_is_counted_skipped_or_sorted_otherwise(admin_client, django_assert_max_num_queries, model):
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    admin_client.get(url)  # counts its tabs, once in a while and up to a limit
    with django_assert_max_num_queries(20) as captured:
        for query in ({}, {"p": "3"}, {"o": "1"}, {"all": ""}, {"_facets": "True"}):
            assert admin_client.get(url, query).status_code == 200
    about = [query["sql"] for query in captured if f'FROM "{model._meta.db_table}"' in query["sql"]]
    lists = [sql for sql in about if "ORDER BY" in sql]
    assert lists
    assert [sql for sql in about if "COUNT(" in sql or "OFFSET" in sql or "DISTINCT" in sql] == []
    assert [sql for sql in lists if not sql.endswith("LIMIT 51")] == []


@pytest.mark.parametrize("path", [INBOX, "/api/v1/orders"])
def test_a_list_is_planned_for_what_it_looks_for(admin_client, entries, path):
    """A generic plan uses no partial index and scans the whole table for a rare value."""
    for _ in range(8):
        assert admin_client.get(path).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        prepared = [statement for (statement,) in cursor.fetchall()]
    assert prepared, "nothing is prepared at all: is this test needed?"
    assert [one for one in prepared if one.endswith(("LIMIT 4", "LIMIT 51", "LIMIT $1"))] == []


def test_accounts_are_found_by_name_and_address(admin_client):
    rosa = User.objects.create_user("rosa", "Rosa@example.com")
    for term, found in (
        ("rosa", [rosa]),
        ("rosa@EXAMPLE.com", [rosa]),
        ("ros", []),
        (" ", User.objects.all()),
    ):
        page = admin_client.get(reverse("admin:auth_user_changelist"), {"q": term})
        assert set(page.context["cl"].result_list) == set(found)
