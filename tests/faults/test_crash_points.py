"""At each failpoint in turn a process is killed with -9: all recovers by itself, and is done once.

The next one dies while the others still recover from the last. What has become of everything that was hit is
looked at in the end, and then the books are audited.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shop.messaging import failpoints
from shop.settings import CONTEXTS
from tests.faults.conftest import OPTIONS
from tests.faults.crashes import BROKERS_OWN, STORIES, Crash, Hits
from tests.faults.damage import burned_attempts, charges, dead_letters, watch_attempts
from tests.support.deployment import APPS, RELAY, Deployment, shared_deployment

#: Two relays, for they die often. Of the apps' two processes one may wait for a lock.
WORKERS = {RELAY: [RELAY], "relief": [RELAY], APPS: CONTEXTS}
ARGUMENTS = {APPS: ["-c", "2"]}
OUTAGES = {"GatewayUnavailable", "CarrierUnavailable"}
on_rabbitmq = pytest.mark.parametrize("running_shop", ["rabbitmq"], indirect=True)
on_the_embedded_broker = pytest.mark.parametrize("running_shop", ["embedded"], indirect=True)


@pytest.fixture(scope="module")
def armed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which points are armed."""
    return tmp_path_factory.mktemp("armed")


@pytest.fixture(scope="module")
def running_shop(request: pytest.FixtureRequest, armed: Path) -> Iterator[Deployment]:
    """A real shop with failpoints, started once for each broker."""
    options = {**OPTIONS, failpoints.VARIABLE: str(armed)}
    with shared_deployment(request, workers=WORKERS, arguments=ARGUMENTS, **options) as shop:
        watch_attempts(shop)
        yield shop


@pytest.fixture(scope="module")
def hits(running_shop: Deployment) -> Hits:
    """The orders over which somebody died in this shop."""
    return {}


@pytest.fixture
def crash(shop: Deployment, armed: Path, hits: Hits, point: str) -> Iterator[Crash]:
    crash = Crash(point, shop, armed, hits)
    yield crash
    crash.disarm()


def test_every_failpoint_has_its_story() -> None:
    assert set(STORIES) == set(failpoints.points())


@on_rabbitmq
@pytest.mark.parametrize("point", STORIES)
def test_a_process_is_killed_at(point: str, crash: Crash) -> None:
    STORIES[point](crash)


@on_rabbitmq
def test_what_the_crashes_hit_is_done_once(shop: Deployment, hits: Hits) -> None:
    expect_all_done_once(shop, hits)


@on_the_embedded_broker
@pytest.mark.parametrize("point", BROKERS_OWN)
def test_a_process_with_the_embedded_broker_is_killed_at(point: str, crash: Crash) -> None:
    STORIES[point](crash)


@on_the_embedded_broker
def test_what_the_crashes_with_the_embedded_broker_hit_is_done_once(shop: Deployment, hits: Hits) -> None:
    expect_all_done_once(shop, hits)


def expect_all_done_once(shop: Deployment, hits: Hits) -> None:
    shop.wait_for_status(hits, "delivered", "cancelled")
    ends = shop.statuses(hits)
    assert {order: (point, ends[order]) for order, (point, _) in hits.items()} == hits
    shop.audit()

    uncharged = {order for order, (point, _) in hits.items() if ".cancel_charge." in point}
    assert charges(shop, hits.keys() - uncharged) == len(hits) - len(uncharged)
    assert message_ids_of_mails(shop) == message_ids_of_rows(shop)
    # A crash is no attempt: what was put aside for another one, a provider's outage was to blame for.
    assert {str(error).split(":")[0] for *_, error in burned_attempts(shop) if error} <= OUTAGES
    assert {cause for _, _, cause, _ in dead_letters(shop)} <= {"unreadable"}


def message_ids_of_mails(shop: Deployment) -> set[str]:
    """What the mail server has had, be it once or twice."""
    mails = (file.read_text() for file in (shop.home / "mail").iterdir())
    return {found for mail in mails for found in re.findall(r"^Message-ID:\s+(<.+>)$", mail, re.MULTILINE)}


def message_ids_of_rows(shop: Deployment) -> set[str]:
    return {message_id for (message_id,) in shop.rows("select message_id from notifications_notification")}
