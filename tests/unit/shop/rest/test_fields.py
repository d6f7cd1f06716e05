"""LinkField builds the same URLs as DRF's field, for any host, prefix and query."""

from types import SimpleNamespace

import pytest
from django.test import RequestFactory
from django.urls import set_script_prefix
from rest_framework.request import Request
from rest_framework.serializers import HyperlinkedIdentityField, Serializer

from shop.ids import uuid7
from shop.rest.fields import LinkField


class Links(Serializer):
    ours = LinkField(view_name="order-timeline")
    plain = HyperlinkedIdentityField(view_name="order-timeline")


@pytest.mark.parametrize("host", ["one.example", "two.example:8000"])
@pytest.mark.parametrize("prefix", ["/", "/shop/"])
@pytest.mark.parametrize("query", ["", "?format=json"])
def test_a_link_is_the_one_that_drf_makes(settings, host, prefix, query):
    settings.ALLOWED_HOSTS = ["*"]
    request = Request(RequestFactory(headers={"host": host}).get(f"/api/v1/orders{query}"))
    set_script_prefix(prefix)
    try:
        for order in (SimpleNamespace(pk=uuid7()), SimpleNamespace(pk=uuid7())):
            links = Links(order, context={"request": request}).data
            assert links["ours"] == links["plain"]
            assert f"{host}{prefix}api/v1/orders/{order.pk}/timeline" in links["ours"]
    finally:
        set_script_prefix("/")
