"""Deployments for fault tests: one on each broker that tests share if they leave its servers alone."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from shop.settings import CONTEXTS
from tests.support.deployment import APPS, RELAY, Deployment, shared_deployment

#: Two workers compete for all events.
WORKERS = {RELAY: [RELAY], APPS: CONTEXTS, "rivals": CONTEXTS}
#: The embedded broker redelivers the messages of a killed worker sooner than in production.
OPTIONS = {"SHOP_VISIBILITY_TIMEOUT_SECONDS": "10"}


@pytest.fixture(scope="package", params=["rabbitmq", "embedded"])
def running_shop(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """Deployment that is started once for each broker."""
    with shared_deployment(request, workers=WORKERS, **OPTIONS) as shop:
        yield shop


@pytest.fixture
def shop(running_shop: Deployment) -> Iterator[Deployment]:
    """The deployment, repaired after the test."""
    running_shop.forgive_crashes()
    yield running_shop
    running_shop.mend_providers()


@pytest.fixture
def deploy(deploy: Callable[..., Deployment]) -> Callable[..., Deployment]:
    """Make a deployment for one test."""
    return partial(deploy, **OPTIONS)
