"""Stripe's requests at the door, verified by its SDK."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from payments.models import Payment
from payments.services import receive_missed_notices
from payments.stripe.webhooks import KINDS, TOLERANCE
from shop.messaging.models import OutboxEntry
from shop.webhooks.models import AskedUntil, ProviderNotice
from tests.support.stripe.events import WEBHOOK_SECRET, signed
from tests.support.stripe.fixtures import stand_in, stripe_api  # noqa: F401
from tests.support.stripe.webhooks import post

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(stripe_api, happened, order, captures_at_once):  # noqa: F811
    """The event of a payment that is made, which payments has recorded."""
    happened(order())
    OutboxEntry.objects.all().delete()
    return [event for event in stripe_api.account.observe() if event["type"] in KINDS][-1]


def test_a_signed_event_is_stored_as_a_notice_about_its_intent(client, event):
    assert post(client, event).status_code == 200
    notice = ProviderNotice.objects.get()
    assert (notice.provider, notice.event_id, notice.kind) == ("stripe", event["id"], event["type"])
    assert notice.about == Payment.objects.get().reference
    assert OutboxEntry.objects.get().queue == "payments.events"


def test_the_same_event_again_is_answered_and_does_nothing(client, event):
    assert [post(client, event).status_code for _ in range(3)] == [200, 200, 200]
    assert ProviderNotice.objects.count() == OutboxEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("", "signature is wrong"),
        ("t=1,v1=00", "signature is wrong"),
        ("t=none,v1=00", "signature is wrong"),
        ("rubbish", "signature is wrong"),
        ("t=1,v1=é", "not readable"),
    ],
)
def test_a_forged_event_is_refused_without_a_statement(
    client, event, django_assert_num_queries, header, word
):
    body, _ = signed(event)
    with django_assert_num_queries(0):
        response = post(client, body=body, header=header)
    assert response.status_code == 400
    assert word in response.json()["detail"]
    assert not ProviderNotice.objects.exists()


def test_an_event_with_another_body_or_another_secret_is_refused(client, event):
    body, header = signed(event)
    assert (
        post(client, body=body.replace(b"payment_intent", b"payment_intend"), header=header).status_code
        == 400
    )
    assert post(client, event, secret="whsec_of_somebody").status_code == 400
    assert post(client, body=b"\xff" + body, header=header).status_code == 400
    assert not ProviderNotice.objects.exists()


def test_an_event_that_was_sent_long_ago_is_refused_until_it_is_signed_anew(client, event):
    late = post(client, event, at=time.time() - TOLERANCE - 5)
    assert (late.status_code, "seconds ago" in late.json()["detail"]) == (400, True)
    assert post(client, event, at=time.time() - TOLERANCE + 60).status_code == 200


def test_both_secrets_hold_while_one_is_replaced(client, event, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_of_tomorrow", WEBHOOK_SECRET]
    assert post(client, event).status_code == 200
    assert post(client, event, secret="whsec_of_tomorrow").status_code == 200


def test_without_a_secret_there_is_no_such_address(client, event, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    assert post(client, event).status_code == 404


def test_an_event_of_no_use_is_answered_and_not_stored(client, event):
    assert post(client, event | {"type": "customer.created"}).status_code == 200
    assert not ProviderNotice.objects.exists()


def test_stripe_lists_all_kinds_at_once():
    assert len(set(KINDS)) == len(KINDS) <= 20


# --- Asking for what was missed ------------------------------------------------------------------


def test_what_never_came_is_found_by_asking_and_what_came_is_left_alone(
    client,
    event,
    stripe_api,  # noqa: F811
):
    stripe_api.account.refund_in_dashboard(Payment.objects.get().reference)
    made = [one["id"] for one in stripe_api.account.observe() if one["type"] in KINDS]
    post(client, event)
    assert receive_missed_notices() == len(made) - 1
    assert set(ProviderNotice.objects.values_list("event_id", flat=True)) == set(made)
    assert receive_missed_notices() == 0


def test_all_pages_are_read(stripe_api, event):  # noqa: F811
    stripe_api.account.events.made += [event | {"id": f"evt_more_{nr}"} for nr in range(250)]
    assert receive_missed_notices() > 250


def test_asking_goes_on_where_it_ended_and_an_hour_before(stripe_api, event):  # noqa: F811
    receive_missed_notices()
    before = AskedUntil.objects.get().at
    stripe_api.seen.clear()
    receive_missed_notices()
    [seen] = stripe_api.calls("GET /v1/events")
    since = datetime.fromtimestamp(int(seen.params["created"]["gte"]), UTC)
    assert timedelta() <= (before - timedelta(hours=1)) - since < timedelta(seconds=1)


def test_when_stripe_does_not_answer_nothing_is_skipped(stripe_api, event):  # noqa: F811
    receive_missed_notices()
    before = AskedUntil.objects.get().at
    with stripe_api.failing("503"), pytest.raises(Exception, match="503"):
        receive_missed_notices()
    assert AskedUntil.objects.get().at == before


def test_without_stripe_nobody_is_asked(settings):
    settings.SHOP_WEBHOOKS = {}
    assert receive_missed_notices() == 0
    assert not AskedUntil.objects.exists()
