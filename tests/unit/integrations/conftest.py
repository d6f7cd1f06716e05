"""Fixtures of integrations: a receiver, endpoints at it, and a sender that runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from dev.servers.receiver import Receiver
from integrations import services
from integrations.models import Endpoint
from integrations.sender import Sender
from integrations.taker import Taker


@pytest.fixture(autouse=True)
def quick(settings):
    """Short waits, and the loopback interface as a named network."""
    settings.SHOP_ENDPOINT_NETWORKS = ["127.0.0.0/8"]
    settings.SHOP_ENDPOINT_RETRIES = ["0.05"] * 99
    settings.SHOP_ENDPOINT_REST = timedelta(seconds=0.1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def endpoint(db, receiver) -> Callable[..., Endpoint]:
    """Return a function that makes an endpoint at a path of the receiver."""

    def make(path: str = "/a", *types: str, **values: str) -> Endpoint:
        made, secret = services.create_endpoint(
            url=receiver.url(path), event_types=types or ["*"], contact="ops@example.com", **values
        )
        receiver.inboxes[path].secret = secret
        return made

    return make


@contextmanager
def running() -> Iterator[None]:
    """Run taker and sender within the block, in threads with connections of their own."""
    runners = Taker(), Sender()
    threads = [threading.Thread(target=runner.run) for runner in runners]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for runner in runners:
            runner.stop()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()


@pytest.fixture
def sending(transactional_db) -> Iterator[None]:
    with running():
        yield
