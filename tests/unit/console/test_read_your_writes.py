"""Orders seen by their customers at once, however far the read models are behind."""

from django.urls import reverse
from rest_framework.test import APIClient

from tests.support.rights import staff_with


def test_an_order_is_listed_at_once_whatever_the_lag_of_the_read_models(shop, client):
    order = shop.place()
    customer, clerk = APIClient(), APIClient()
    customer.force_authenticate(order.customer)
    clerk.force_authenticate(staff_with("analytics.view_orderfact"))

    assert [one["number"] for one in customer.get("/api/v1/orders").json()["results"]] == [order.number]
    client.force_login(order.customer)
    assert order.number in client.get(reverse("storefront:orders")).content.decode()
    behind = clerk.get(reverse("analytics-orders"))
    assert (behind.json()["results"], float(behind["X-Lag-Seconds"]) > 0) == ([], True)

    shop.run_to_end()
    caught_up = clerk.get(reverse("analytics-orders"))
    assert [one["number"] for one in caught_up.json()["results"]] == [order.number]
    assert caught_up["X-Lag-Seconds"] == "0.000"
