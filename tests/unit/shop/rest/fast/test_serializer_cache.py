"""A cached serializer behaves like a new one, whatever it was used for before."""

from threading import Thread
from types import SimpleNamespace

import pytest
from django.test import RequestFactory
from rest_framework import serializers

from orders.serializers import OrderIn
from shop.rest.fast.serializer_cache import represented, validated

ADDRESS = {"name": "Rosa", "street": "Am Markt 1", "city": "Berlin", "postal_code": "10178", "country": "DE"}
ORDER = {
    "lines": [{"sku": "TEA-1", "quantity": 2}],
    "payment_method": "pm_card_visa",
    "ship_to": ADDRESS,
}
WRONG = [
    None,
    [],
    "order",
    {},
    {**ORDER, "lines": []},
    {**ORDER, "lines": [{"sku": "TEA-1", "quantity": "2"}]},
    {**ORDER, "price": 1},
    {**ORDER, "ship_to": {**ADDRESS, "country": "ZZ"}},
]


class Page(serializers.Serializer):
    title = serializers.CharField()
    address = serializers.SerializerMethodField()

    def get_address(self, page):
        return self.context["request"].build_absolute_uri(page.path)


def test_what_is_right_is_taken_each_time_anew():
    first, second = validated(OrderIn, ORDER), validated(OrderIn, {**ORDER, "payment_method": "pm_card_amex"})
    assert first["payment_method"] == "pm_card_visa"
    assert second["payment_method"] == "pm_card_amex"
    assert first["lines"] == [{"sku": "TEA-1", "quantity": 2}]


@pytest.mark.parametrize("data", WRONG)
def test_what_is_wrong_is_refused_in_the_same_words(data):
    with pytest.raises(serializers.ValidationError) as refusal:
        validated(OrderIn, data)
    plain = OrderIn(data=data)
    assert not plain.is_valid()
    assert refusal.value.detail == plain.errors
    assert validated(OrderIn, ORDER)["payment_method"] == "pm_card_visa"


def test_each_answer_has_the_addresses_of_its_own_request(settings):
    settings.ALLOWED_HOSTS = ["*"]
    page = SimpleNamespace(title="Tea", path="/tea")
    for host in ("one.example", "two.example"):
        request = RequestFactory(headers={"host": host}).get("/")
        answer = represented(Page, page, {"request": request})
        assert answer == {"title": "Tea", "address": f"http://{host}/tea"}


def test_threads_share_none():
    class Title(serializers.Serializer):
        title = serializers.CharField()
        instances = []

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.instances.append(self)

    def serialize_twice():
        for title in ("Tea", "Coffee"):
            represented(Title, SimpleNamespace(title=title), {})

    threads = [Thread(target=serialize_twice) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Title.instances) == len(threads)
