"""A shop on each broker for the faults that leave its servers alone; the others start one of their own."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from shop.settings import CONTEXTS
from tests.support.deployment import APPS, RELAY, Deployment, shared_deployment

#: Two workers compete for all that there is to do.
WORKERS = {RELAY: [RELAY], APPS: CONTEXTS, "rivals": CONTEXTS}
#: The embedded broker hands on sooner than in production what a killed worker had in hand.
OPTIONS = {"SHOP_VISIBILITY_TIMEOUT_SECONDS": "10"}


@pytest.fixture(scope="module", params=["rabbitmq", "embedded"])
def running_shop(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A real shop, started once for each broker and module."""
    with shared_deployment(request, workers=WORKERS, **OPTIONS) as shop:
        yield shop


@pytest.fixture
def shop(running_shop: Deployment) -> Iterator[Deployment]:
    """The shop, with whatever the test broke mended afterwards."""
    yield running_shop
    running_shop.mend_providers()


@pytest.fixture
def deploy(deploy: Callable[..., Deployment]) -> Callable[..., Deployment]:
    """Make a deployment of the test's own."""
    return partial(deploy, **OPTIONS)
