"""The sidebar of the admin leads to the lists that the user may open, and to no others."""

import itertools

import pytest
from django.contrib.auth.models import Permission, User
from django.test import RequestFactory

from console.navigation import navigation

pytestmark = pytest.mark.django_db


def links(user: User) -> dict[str, list[str]]:
    request = RequestFactory().get("/admin/")
    request.user = user
    return {
        group.get("title", ""): [item["link"] for item in group["items"]] for group in navigation(request)
    }


def test_a_superuser_sees_six_groups_in_the_order_of_use_and_each_link_opens(client):
    olga = User.objects.create_superuser("olga", "olga@example.com", "correct horse")
    client.force_login(olga)
    found = links(olga)
    assert list(found) == ["", "Orders", "Stock", "Money", "Customers", "Messages", "System"]
    for link in itertools.chain(*found.values()):
        assert client.get(link).status_code == 200, link


def test_others_see_what_they_may_open():
    sam = User.objects.create_user("sam", is_staff=True)
    sam.user_permissions.add(Permission.objects.get(codename="view_order"))
    found = {title: items for title, items in links(sam).items() if items}
    assert found == {"": ["/admin/"], "Orders": ["/admin/orders/order/"]}
