"""Rolling deployment: workers and publishers of several releases share a queue."""

import subprocess
import sys
from collections import Counter
from contextlib import closing, contextmanager

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
        self._publishers = {}
        self._published = 0

    def _env(self, release):
        return environment(self._broker_url, settings=SETTINGS, SHOP_TEST_RELEASE=release)

    @contextmanager
    def worker(self, release):
        with started_worker(self._env(release), self._home / f"{release}.log", processes=1) as process:
            yield process

    def publish(self, *releases):
        """Let a publisher of each release publish at the same time."""
        publishers = [self._publisher(release) for release in releases]
        for publisher in publishers:
            print(EVENTS, file=publisher.stdin, flush=True)
        assert [publisher.stdout.readline() for publisher in publishers] == ["published\n"] * len(releases)
        self._published += EVENTS * len(releases)

    def _publisher(self, release):
        if release not in self._publishers:
            self._publishers[release] = subprocess.Popen(
                [sys.executable, "-m", "tests.contracts.rolling.publish"],
                env=self._env(release),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._publishers[release]

    def close(self):
        for publisher in self._publishers.values():
            publisher.communicate(timeout=60)

    def is_done(self, count):
        return effects_by_release().total() >= count and not OutboxEntry.objects.exists()

    def wait_for_each_effect(self):
        """Wait until every published event has taken effect once, without a dead letter."""
        eventually(lambda: self.is_done(self._published), within=60)
        assert effects_by_release().total() == EventRecord.objects.count() == self._published
        assert len(set(probe_ids())) == self._published
        assert not DeadLetter.objects.exists()  # nor a forged one, though old processes sign nothing


def probe_ids():
    with connection.cursor() as cursor:
        cursor.execute("SELECT probe_id FROM probe_note")
        return [row[0] for row in cursor.fetchall()]


def effects_by_release():
    """Count the events that took effect, by the consuming release."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT what FROM probe_note")
        return Counter(row[0] for row in cursor.fetchall())


@pytest.fixture
def rollout(broker, tmp_path):
    with closing(Rollout(broker.url, tmp_path)) as rollout:
        yield rollout


def test_old_and_new_workers_side_by_side_make_every_effect_once(rollout):
    with rollout.worker("new"):
        with rollout.worker("old"):
            while set(effects_by_release()) != {"old", "new"}:  # the quicker worker takes an event
                rollout.publish("old", "new")
                rollout.wait_for_each_effect()
        rollout.publish("old", "new")  # the last old publisher
        rollout.wait_for_each_effect()
        eventually(lambda: not ScheduledMessage.objects.exists(), within=60)
    with rollout.worker("newer"):
        rollout.publish("newer")
        rollout.wait_for_each_effect()


def test_old_workers_keep_what_they_do_not_know_for_new_ones(rollout):
    with rollout.worker("newer"):
        pass  # it has bound the new version to the queue
    with rollout.worker("old"):
        rollout.publish("newer")
        eventually(lambda: ScheduledMessage.objects.filter(kind="retry").count() == EVENTS, within=60)
        assert effects_by_release() == {}
    with rollout.worker("newer"):
        rollout.wait_for_each_effect()
