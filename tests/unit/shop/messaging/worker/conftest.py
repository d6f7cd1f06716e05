"""Fixtures of a dispatcher and of the Celery double that drives it."""

from collections.abc import Iterator

import pytest

from shop.messaging.worker.dispatcher import Dispatcher
from tests.unit.shop.messaging.worker.doubles import Celery, Intake


@pytest.fixture
def concurrency() -> int:
    """Number of processes of the pool. Override it with ``@pytest.mark.parametrize``."""
    return 10


@pytest.fixture
def celery(concurrency: int) -> Celery:
    return Celery(concurrency)


@pytest.fixture
def dispatcher(celery: Celery) -> Iterator[Dispatcher]:
    dispatcher = Dispatcher(celery, Intake())
    yield dispatcher
    dispatcher.close()
