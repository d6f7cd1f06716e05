"""Deployments that the acceptance tests share, one on each broker, with a worker for each context."""

from collections.abc import Iterator

import pytest

from tests.support.deployment import Deployment, shared_deployment


@pytest.fixture(scope="package", params=["rabbitmq", "embedded"])
def running_shop(request: pytest.FixtureRequest) -> Iterator[Deployment]:
    """Deployment that is started once for each broker, and so for each policy of captures."""
    # Shipping has two processes: one can stop a parcel that the other is booking.
    policy = {"rabbitmq": "shipped", "embedded": "placed"}[request.param]
    options = {"one_worker_each": True, "metrics": True, "arguments": {"shipping": ["-c", "2"]}}
    # One broker with each format of logs: both are searched for personal data.
    settings = {"LOG_FORMAT": "json"} if request.param == "rabbitmq" else {}
    with shared_deployment(request, **options, **settings, SHOP_CAPTURE=policy) as shop:
        yield shop


@pytest.fixture
def shop(running_shop: Deployment) -> Iterator[Deployment]:
    """The deployment, repaired after the test."""
    yield running_shop
    running_shop.mend_providers()
