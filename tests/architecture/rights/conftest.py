"""The world, made once for all tests of rights in this process; each test takes its changes back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings
from pytest_django import DjangoDbBlocker

from tests.architecture.rights.world import World, undone

_SETTINGS = {
    "EMAIL_BACKEND": "notifications.simulator.EmailBackend",
    "SHOP_TRACKING_INTERVAL": timedelta(milliseconds=1),
    "SHOP_REFUND_CHECK_INTERVAL": timedelta(milliseconds=1),
}


@pytest.fixture(scope="package")
def _world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    mail = str(tmp_path_factory.mktemp("mail"))
    with (
        django_db_blocker.unblock(),
        override_settings(**_SETTINGS, EMAIL_FILE_PATH=mail, SHOP_ERASURES_FILE=f"{mail}/erasures"),
        undone(),
    ):
        yield World()


@pytest.fixture
def world(_world: World) -> Iterator[World]:
    with undone():
        yield _world
