"""SIGKILL at each failpoint in turn: the shop recovers by itself and has every effect once.

The next process is killed while the others still recover. The orders that were hit are checked in the end,
and then the shop is audited.
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

#: Two relays, since they die often. The apps have two processes, since one may wait for a lock.
WORKERS = {RELAY: [RELAY], "relief": [RELAY], APPS: CONTEXTS}
ARGUMENTS = {APPS: ["-c", "2"]}
OUTAGES = {"GatewayUnavailable", "CarrierUnavailable"}
on_rabbitmq = pytest.mark.parametrize("running_shop", ["rabbitmq"], indirect=True)
on_the_embedded_broker = pytest.mark.parametrize("running_shop", ["embedded"], indirect=True)


@pytest.fixture(scope="module")
def armed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which points are armed."""
    return tmp_path_factory.mktemp("armed")


@pytest.fixture(scope="module")
def running_shop(request: pytest.FixtureRequest, armed: Path) -> Iterator[Deployment]:
    """Deployment with failpoints that is started once for each broker."""
    options = {**OPTIONS, "SHOP_CAPTURE": "placed", failpoints.VARIABLE: str(armed)}
    with shared_deployment(request, workers=WORKERS, arguments=ARGUMENTS, **options) as shop:
        watch_attempts(shop)
        yield shop


@pytest.fixture(scope="module")
def hits(running_shop: Deployment) -> Hits:
    """Orders over which a process of this deployment was killed."""
    return {}


@pytest.fixture
def crash(shop: Deployment, armed: Path, hits: Hits, point: str) -> Iterator[Crash]:
    crash = Crash(point, shop, armed, hits)
    yield crash
    crash.disarm()


def test_every_failpoint_has_its_story() -> None:
    assert set(STORIES) == {point for point in failpoints.points() if not point.startswith("stripe_page.")}


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
    shop.wait_for_status(hits, *{end for _, end in hits.values()})
    ends = shop.statuses(hits)
    assert {order: (point, ends[order]) for order, (point, _) in hits.items()} == hits
    shop.audit()

    uncharged = {order for order, (point, _) in hits.items() if ".cancel" in point}
    assert charges(shop, hits.keys() - uncharged) == len(hits) - len(uncharged)
    assert message_ids_of_mails(shop) == message_ids_of_rows(shop)
    # A crash is no attempt: all attempts were burned by outages of providers.
    assert {str(error).split(":")[0] for *_, error in burned_attempts(shop) if error} <= OUTAGES
    # An event that three stories in a row meet alone is given up, and sent again by the doctor.
    assert {cause for _, _, cause, _ in dead_letters(shop)} <= {"unreadable", "crashed"}


def message_ids_of_mails(shop: Deployment) -> set[str]:
    """Return the Message-IDs of all mails that reached the mail server, once or twice."""
    mails = (file.read_text() for file in (shop.home / "mail").iterdir())
    return {found for mail in mails for found in re.findall(r"^Message-ID:\s+(<.+>)$", mail, re.MULTILINE)}


def message_ids_of_rows(shop: Deployment) -> set[str]:
    return {message_id for (message_id,) in shop.rows("select message_id from notifications_notification")}
