"""A dispatcher in the hands of a test."""

from collections.abc import Iterator

import pytest

from shop.messaging.worker.dispatcher import Dispatcher
from tests.unit.shop.messaging.worker.doubles import Celery


@pytest.fixture
def celery() -> Celery:
    return Celery()


@pytest.fixture
def dispatcher(celery: Celery) -> Iterator[Dispatcher]:
    one = Dispatcher(celery)
    yield one
    one.close()
