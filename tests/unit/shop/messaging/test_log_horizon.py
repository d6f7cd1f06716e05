"""Horizon of the log, with transactions that commit late and out of order."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction

from orders.events import OrderCancelled
from shop.ids import uuid7
from shop.messaging.log_horizon import LogHorizon
from shop.messaging.models import EventRecord
from shop.messaging.publishing import publish, unit_of_work

pytestmark = pytest.mark.django_db(transaction=True)


def cancel() -> None:
    with unit_of_work():
        publish(OrderCancelled(order_id=uuid7(), number="ORD-1042", reason="customer"))


@contextmanager
def uncommitted(act: Callable[[], object] = cancel) -> Iterator[None]:
    """Act in another session, which commits at the end of the block."""
    done, may_commit = threading.Event(), threading.Event()

    def run() -> None:
        try:
            with transaction.atomic():
                act()
                done.set()
                assert may_commit.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert done.wait(60)
    try:
        yield
    finally:
        may_commit.set()
        thread.join(60)


def newest() -> int:
    return EventRecord.objects.order_by("position").values_list("position", flat=True).last() or 0


def test_an_event_that_commits_late_is_not_skipped():
    horizon = LogHorizon()
    cancel()
    before = newest()
    assert horizon.look() == before
    with uncommitted():
        cancel()  # its position is later, and it is visible first
        assert newest() == before + 2
        assert horizon.look() == before
        assert horizon.is_behind
        assert horizon.look() == before
    assert horizon.look() == before + 2
    assert not horizon.is_behind


def test_transactions_that_began_later_do_not_hold_it_up():
    horizon = LogHorizon()
    with ExitStack() as later:
        with uncommitted():
            cancel()
            until = newest()
            assert horizon.look() < until
            later.enter_context(uncommitted())
        assert horizon.look() == until
    assert horizon.look() == until + 1


def test_a_long_transaction_that_publishes_nothing_does_not_hold_it_up():
    with uncommitted(lambda: Group.objects.create(name="slow")):
        cancel()
        assert LogHorizon().look() == newest()


def test_what_was_rolled_back_leaves_a_gap():
    with transaction.atomic():
        cancel()
        transaction.set_rollback(True)
    cancel()
    assert LogHorizon().look() == newest()
