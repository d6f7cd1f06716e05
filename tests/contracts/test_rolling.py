"""A rolling deployment: old and new workers share a queue, old and new publishers their events."""

import subprocess
import sys
from collections import Counter
from contextlib import contextmanager

import pytest
from django.db import connection

from shop.messaging.models import DeadLetter, EventRecord, OutboxEntry, ScheduledMessage
from tests.contracts.conftest import environment, started_worker
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(300)

SETTINGS = "tests.contracts.rolling.settings"
EVENTS = 150


class Rollout:
    """Processes of several releases on one broker."""

    def __init__(self, broker_url, home):
        self._broker_url, self._home = broker_url, home
        #: How many publishers have published.
        self._published = 0

    def _env(self, release):
        return environment(self._broker_url, settings=SETTINGS, SHOP_TEST_RELEASE=release)

    @contextmanager
    def worker(self, release):
        with started_worker(self._env(release), self._home / f"{release}.log", processes=1) as process:
            yield process

    def publish(self, *releases):
        """Let publishers of these releases publish at the same time."""
        command = [sys.executable, "-m", "tests.contracts.rolling.publish", str(EVENTS)]
        publishers = [subprocess.Popen(command, env=self._env(release)) for release in releases]
        assert [publisher.wait(60) for publisher in publishers] == [0] * len(releases)
        self._published += len(releases)

    def is_done(self, count):
        return effects().total() >= count and not OutboxEntry.objects.exists()

    def settle(self):
        """Wait for the effects of all that was published, each once, and none of it dead."""
        count = EVENTS * self._published
        eventually(lambda: self.is_done(count), within=60)
        assert effects().total() == EventRecord.objects.count() == count
        assert len(set(crates())) == count
        assert not DeadLetter.objects.exists()


def crates():
    with connection.cursor() as cursor:
        cursor.execute("SELECT probe_id FROM probe_note")
        return [row[0] for row in cursor.fetchall()]


def effects():
    """How many events took effect, by the release that took them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT what FROM probe_note")
        return Counter(row[0] for row in cursor.fetchall())


@pytest.fixture
def rollout(broker, tmp_path):
    return Rollout(broker.url, tmp_path)


def test_old_and_new_workers_side_by_side_make_every_effect_once(rollout):
    with rollout.worker("new"):
        with rollout.worker("old"):
            while set(effects()) != {"old", "new"}:  # whoever is quickest takes an event
                rollout.publish("old", "new")
                rollout.settle()
        rollout.publish("old", "new")  # the last old publisher
        rollout.settle()
        eventually(lambda: not ScheduledMessage.objects.exists(), within=60)
    with rollout.worker("newer"):
        rollout.publish("newer")
        rollout.settle()


def test_old_workers_keep_what_they_do_not_know_for_new_ones(rollout):
    with rollout.worker("newer"):
        pass  # it has bound the new version to the queue
    with rollout.worker("old"):
        rollout.publish("newer")
        eventually(lambda: ScheduledMessage.objects.filter(kind="retry").count() == EVENTS, within=60)
        assert effects() == {}
    with rollout.worker("newer"):
        rollout.settle()
