"""Counters of all processes together."""

from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import F
from django.utils import timezone

from shop.accounts import counters
from shop.accounts.models import RequestCount

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_no_request_of_another_process_is_lost():
    def ask(_: int) -> int:
        try:
            return counters.count("test", "192.0.2.1", seconds=60).number
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(ask, range(40)))
    assert sorted(numbers) == list(range(1, 41))


def test_a_window_ends_and_another_one_begins():
    counters.count("test", "a", seconds=60)
    assert counters.count("test", "a", seconds=60).number == 2
    RequestCount.objects.update(expires_at=timezone.now())
    again = counters.count("test", "a", seconds=60)
    assert again.number == 1
    assert 59 < again.seconds_left <= 60


def test_a_window_does_not_move_with_the_requests_in_it():
    counters.count("test", "a", seconds=60)
    RequestCount.objects.update(expires_at=F("expires_at") - timezone.timedelta(seconds=20))
    assert counters.count("test", "a", seconds=60).seconds_left <= 40


def test_clients_and_purposes_are_counted_apart():
    for names in (("one", "a"), ("two", "a"), ("one", "b"), ("onea", "")):
        assert counters.count(*names, seconds=60).number == 1


def test_what_is_given_back_is_not_counted():
    counters.count("test", "a", seconds=60)
    counters.give_back("test", "a")
    counters.give_back("test", "a")
    assert counters.count("test", "a", seconds=60).number == 1


def test_counting_takes_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1):
        counters.count("test", "a", seconds=60)


def test_the_table_waits_for_no_disk():
    with connection.cursor() as cursor:
        cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'accounts_requestcount'")
        assert cursor.fetchone() == ("u",)


@pytest.mark.skipif(bool(find_spec("redis")), reason="its client is installed")
@pytest.mark.parametrize("url", ["redis://localhost:6379/0", "memcached://localhost"])
def test_redis_without_its_client_or_another_cache_is_a_clear_error(url):
    with pytest.raises(ImproperlyConfigured, match="SHOP_CACHE_URL"):
        counters.counters(url)
