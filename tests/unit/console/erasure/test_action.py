"""The admin action that forgets customers."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from tests.support.inprocess import fire_reminders
from tests.support.rights import staff_with
from tests.unit.console.erasure.conftest import EMAIL, WORDS
from tests.unit.console.erasure.traces import traces

pytestmark = pytest.mark.django_db


def action(client, user: User, **data):
    body = {"action": "forget_customers", "_selected_action": [user.pk], **data}
    return client.post(reverse("admin:auth_user_changelist"), body, follow=True)


def test_the_action_shows_the_rows_and_forgets_once_confirmed(zebulon, client):
    zebulon.order()
    client.force_login(staff_with("auth.view_user", "privacy.forget_customer"))
    page = action(client, zebulon.user).content.decode()
    assert "<td>orders_order</td><td>1</td>" in page
    assert User.objects.get(pk=zebulon.user.pk).email == EMAIL
    assert (
        f"Account {zebulon.user.pk} is forgotten."
        in action(client, zebulon.user, confirmed="yes").content.decode()
    )
    fire_reminders()
    assert traces(WORDS) == set()


def test_the_action_says_why_a_customer_cannot_be_forgotten(zebulon, client):
    order = zebulon.shop.place()
    client.force_login(staff_with("auth.view_user", "privacy.forget_customer"))
    assert f"{order.number} have not ended" in action(client, zebulon.shop.alice).content.decode()
    answer = action(client, zebulon.shop.alice, confirmed="yes").content.decode()
    assert f"{order.number} have not ended" in answer


def test_without_the_permission_nobody_is_forgotten(zebulon, client):
    zebulon.order()
    client.force_login(staff_with("auth.view_user", "auth.change_user", "auth.delete_user"))
    action(client, zebulon.user, confirmed="yes")
    assert User.objects.get(pk=zebulon.user.pk).email == EMAIL
