"""One shop on each broker, with a worker for each context, that all stories share."""

from collections.abc import Iterator

import pytest

from tests.support.deployment import Deployment, shared_deployment


@pytest.fixture(scope="package", params=["rabbitmq", "embedded"])
def running_shop(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """A real shop, started once for each broker."""
    # Shipping has two processes: one may stop what the other one books.
    with shared_deployment(request, one_worker_each=True, arguments={"shipping": ["-c", "2"]}) as shop:
        yield shop


@pytest.fixture
def shop(running_shop: Deployment) -> Iterator[Deployment]:
    """The shop, with whatever the test broke mended afterwards."""
    yield running_shop
    running_shop.mend_providers()
