"""The home page of the admin names all that waits for a person, and nothing that the user may not see."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from console.home.attention import attention
from inventory.models import Product
from notifications.models import Notification
from orders.models import Order, Return
from shop.messaging.models import Circuit, DeadLetter, OutboxEntry
from tests.unit.shop.messaging.dead_letters.examples import died

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga() -> User:
    return User.objects.create_superuser("olga", "olga@example.com", "correct horse")


def titles(user: User) -> dict[str, int]:
    return {item.title: item.count for item in attention(user)}


def test_an_idle_shop_needs_nobody(olga):
    assert attention(olga) == []


def test_orders_that_need_attention_are_named_with_reason_and_age(shop, olga):
    order = shop.stuck_capture()
    item = next(item for item in attention(olga) if item.title == "Orders need attention")
    assert (item.count, item.detail) == (1, order.reason_label)
    assert item.since == Order.objects.get(pk=order.pk).changed_at
    assert f"attention_reason__exact={order.attention_reason}" in item.url


def test_what_waits_in_all_contexts_is_counted(shop, olga):
    shop.stuck_refund()
    shop.declined()
    died(error=ValueError("odd"))
    Notification.objects.update(state="failed")
    shop.place()
    OutboxEntry.objects.update(created_at=timezone.now() - timedelta(hours=1))
    now = timezone.now()
    Circuit.objects.create(
        consumer="a.consumer", opened_at=now, probe_at=now, last_error="gateway out of service"
    )
    Product.objects.filter(sku="MUG").update(available=9)
    found = titles(olga)
    assert found["Refunds failed"] == found["Dead letters"] == found["Paused consumer"] == 1
    assert found["Payments declined today"] == 1
    assert found["Messages late in the outbox"] == OutboxEntry.objects.count() > 0
    assert found["Messages failed"] == Notification.objects.count()
    assert found["Products low in stock"] >= 1


def test_what_failed_comes_before_what_is_only_to_be_known(shop, olga):
    shop.declined()
    died(error=ValueError("odd"))
    kinds = [item.is_notice for item in attention(olga)]
    assert kinds == sorted(kinds)
    assert set(kinds) == {True, False}


def test_a_return_that_nobody_decides_on_alerts_operators_after_some_days(shop, olga, settings):
    order = shop.place()
    Order.objects.filter(pk=order.pk).update(status="delivered")
    Return.objects.create(order=order, by_customer=True, reason="a crack")
    assert {"Returns undecided", "Returns to decide"} & titles(olga).keys() == {"Returns to decide"}
    Return.objects.update(created_at=timezone.now() - settings.SHOP_RETURN_DECISION)
    late = next(item for item in attention(olga) if item.title == "Returns undecided")
    assert (late.count, late.detail, late.is_alerted) == (1, "for more than 3 days", True)


def test_messages_that_have_just_been_written_are_not_late(shop, olga):
    shop.place()
    assert OutboxEntry.objects.exists()
    assert "Messages late in the outbox" not in titles(olga)


def test_nobody_sees_what_he_may_not_look_at(shop, django_user_model):
    shop.stuck_refund()
    died(error=ValueError("odd"))
    sam = django_user_model.objects.create_user("sam", is_staff=True)
    assert attention(sam) == []
    sam.user_permissions.add(Permission.objects.get(codename="view_deadletter"))
    assert titles(django_user_model.objects.get(pk=sam.pk)) == {"Dead letters": DeadLetter.objects.count()}


def test_the_page_shows_it_and_never_says_that_all_is_well(shop, olga, client):
    died(error=ValueError("odd"))
    client.force_login(olga)
    page = client.get("/admin/").content.decode()
    assert "Dead letters" in page
    assert "all invariants hold" not in page
    assert "Nothing that you may see needs a person" not in page
