"""Signed roots: which events they cover, and Merkle trees."""

import threading

import pytest
from django.db import connection, transaction

from shop.messaging.log_proof import merkle, roots
from shop.messaging.models import EventRecord, LogRoot
from shop.messaging.publishing import publish
from tests.contracts.probe.events import ProbeNudged

LEAVES = [f"leaf {n}" for n in range(9)]


@pytest.mark.parametrize("count", range(1, 10))
def test_every_leaf_leads_to_the_root_by_its_path(count):
    leaves = LEAVES[:count]
    for index, leaf in enumerate(leaves):
        path = merkle.path_to_root(leaves, index)
        assert merkle.root_by_path(leaf, path) == merkle.root_of(leaves)
        assert merkle.root_by_path("another", path) != merkle.root_of(leaves)


def test_the_root_depends_on_order_and_number_of_leaves():
    seen = {merkle.root_of(leaves) for leaves in (LEAVES[:3], LEAVES[2::-1], LEAVES[:4], [*LEAVES[:3]] * 2)}
    assert len(seen) == 4


def test_roots_follow_one_another_and_cover_each_event_once(log, signed, monkeypatch):
    monkeypatch.setattr(roots, "LIMIT", 2)
    log(3)
    assert signed() == 3
    log(2)
    assert signed() == 2
    assert signed() == 0
    kept = LogRoot.objects.order_by("number").values_list("number", "events")
    assert list(kept) == [(1, 2), (2, 1), (3, 2)]


def test_an_event_that_commits_late_is_below_the_next_root(log, signed, monkeypatch):
    monkeypatch.setattr(roots, "TIMEOUT", 0.3)
    (first,) = log(1)
    published, commit = threading.Event(), threading.Event()

    def publish_slowly() -> None:
        with transaction.atomic():
            publish(ProbeNudged(probe_id=first.aggregate_id))
            connection.cursor().execute("SELECT 1")
            published.set()
            commit.wait(10)
        connection.close()

    slow = threading.Thread(target=publish_slowly)
    slow.start()
    published.wait(10)
    log(1)  # a later position, committed earlier
    assert signed() == 0, "the open transaction may still commit its event"
    commit.set()
    slow.join()
    assert signed() == EventRecord.objects.count() == 3
