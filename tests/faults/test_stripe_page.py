"""SIGKILL at each call about Stripe's page: it is opened, found and closed once, and paid once."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from payments.confirmation import HOSTED_PAGE
from payments.stripe import client
from shop.messaging import failpoints
from shop.settings import CONTEXTS
from tests.faults.crashes import Crash, Hits, an_order
from tests.faults.damage import dead_letters
from tests.support.deployment import APPS, RELAY, Deployment, shared_deployment
from tests.support.stripe.checkout import give_card
from tests.support.stripe.events import WEBHOOK_SECRET
from tests.support.stripe.server import API_KEY, StripeStandIn

assert client  # registers the points
pytestmark = pytest.mark.parametrize("running_shop", ["rabbitmq"], indirect=True)

POINTS = [
    f"stripe_page.{call}.{side}" for call in ("create", "retrieve", "expire") for side in ("before", "after")
]
_AWAITED = "select from payments_payment where order_id = %s and state = 'requires_action'"
#: It is asked often whether a customer has paid.
OFTEN = {"SHOP_PAYMENT_CHECK_INTERVAL_SECONDS": "0.3"}


@pytest.fixture(scope="module")
def stripe() -> Iterator[StripeStandIn]:
    stand_in = StripeStandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="module")
def armed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder in which points are armed."""
    return tmp_path_factory.mktemp("armed")


@pytest.fixture(scope="module")
def running_shop(request: pytest.FixtureRequest, armed: Path, stripe: StripeStandIn) -> Iterator[Deployment]:
    """Deployment with failpoints whose customers pay on Stripe's page."""
    paid = {
        "STRIPE_API_KEY": API_KEY,
        "STRIPE_API_BASE": stripe.url,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
    }
    options = {**paid, **OFTEN, failpoints.VARIABLE: str(armed)}
    workers = {RELAY: [RELAY], APPS: CONTEXTS}
    with shared_deployment(request, workers=workers, arguments={APPS: ["-c", "2"]}, **options) as shop:
        yield shop


@pytest.fixture(scope="module")
def hits(running_shop: Deployment) -> Hits:
    """Orders over which a process was killed."""
    return {}


def wait_for_customer(shop: Deployment, order_id: UUID) -> None:
    shop.wait_until(lambda: shop.rows(_AWAITED, order_id), what="it awaits its customer")


def test_every_call_about_the_page_has_its_story(running_shop: Deployment) -> None:
    assert set(POINTS) == {point for point in failpoints.points() if point.startswith("stripe_page.")}


@pytest.mark.parametrize("point", POINTS)
def test_a_process_is_killed_at(point: str, shop: Deployment, armed: Path, hits: Hits) -> None:
    crash = Crash(point, shop, armed, hits)
    if ".expire." not in point:
        an_order(crash, payment_method=HOSTED_PAGE)
        return
    order_id = crash.place_order(payment_method=HOSTED_PAGE, end="cancelled")
    wait_for_customer(shop, order_id)
    with crash:
        shop.cancel_order(order_id)


def test_each_page_is_opened_once_and_paid_or_closed(
    shop: Deployment, stripe: StripeStandIn, hits: Hits
) -> None:
    paid = [order_id for order_id, (_, end) in hits.items() if end == "delivered"]
    for order_id in paid:
        wait_for_customer(shop, order_id)
        ((page,),) = shop.rows("select reference from payments_payment where order_id = %s", order_id)
        give_card(stripe.account, page, "pm_card_visa")
    shop.wait_for_status(hits, *{end for _, end in hits.values()})
    assert shop.statuses(hits) == {order_id: end for order_id, (_, end) in hits.items()}
    shop.audit()

    sessions = list(stripe.account.sessions.values())
    assert sorted(one["client_reference_id"] for one in sessions) == sorted(map(str, hits))
    assert {one["status"] for one in sessions} == {"complete", "expired"}
    taken = [one["amount_received"] for one in stripe.account.intents.values()]
    assert [amount > 0 for amount in taken] == [True] * len(paid)
    assert {cause for _, _, cause, _ in dead_letters(shop)} <= {"crashed"}
