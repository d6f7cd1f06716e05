"""The live pages show the present, in whole or in part, to those who may see the workers."""

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from shop.messaging.models import WorkerNode

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops(client):
    user = User.objects.create_user("ops", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_workernode"))
    client.force_login(user)
    return client


@pytest.mark.parametrize("path", ["/admin/flow/", "/admin/workers/"])
def test_a_part_is_what_changes_of_the_page(ops, path):
    whole, part = ops.get(path), ops.get(f"{path}?part")
    assert whole.status_code == part.status_code == 200
    assert "<html" in whole.content.decode()
    assert "<html" not in part.content.decode()


def test_a_worker_is_shown_with_its_queues(ops):
    now = timezone.now()
    WorkerNode.objects.create(
        name="payments@a", host="a", pid=1, queues="payments", processes=2, started_at=now, seen_at=now,
        in_hand=7, runs=0, runs_a_minute=120,
    )  # fmt: skip
    page = ops.get("/admin/workers/?part").content.decode()
    assert "payments@a" in page
    assert ">alive<" in page
    assert ">120<" in page


def test_rabbitmqs_own_pages_are_linked_where_they_are_known(ops, settings):
    settings.SHOP_RABBITMQ_MANAGEMENT_URL = ""
    assert "own pages" not in ops.get("/admin/workers/?part").content.decode()
    settings.SHOP_RABBITMQ_MANAGEMENT_URL = "https://rabbit.example.com/"
    assert 'href="https://rabbit.example.com/"' in ops.get("/admin/workers/?part").content.decode()


def test_others_are_refused(client):
    client.force_login(User.objects.create_user("sam", is_staff=True))
    for path in ("/admin/flow/", "/admin/workers/"):
        assert client.get(path).status_code == 403
