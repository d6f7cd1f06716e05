"""Admin pages of dead letters: permissions, confirmation, and the result of each action."""

import pytest
from celery.exceptions import OperationalError
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from shop.messaging.dead_letters import actions, pages, tasks
from shop.messaging.models import DeadLetter, DeadLetterAction, OutboxEntry
from tests.support.rights import staff_with
from tests.unit.shop.messaging.dead_letters.examples import ANALYTICS, died, unreadable

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unhurried(monkeypatch):
    """Lift the rate limit of replays."""
    monkeypatch.setattr(actions, "MAX_REPLAYS_PER_SECOND", 1_000_000)


@pytest.fixture
def olga(client):
    """Log in an operator with all permissions."""
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "correct horse"))
    return client


@pytest.fixture
def victor(client):
    """Log in a user who may only view dead letters."""
    user = User.objects.create_user("victor", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_deadletter"))
    client.force_login(user)
    return client


def page(name: str, *args: object, query: str = "") -> str:
    return reverse(f"admin:messaging_deadletter_{name}", args=args) + query


def choose(client, action: str, *letters: DeadLetter, query: str = "", **more: str):
    """Choose an action in the list and follow it to its confirmation page.

    Returns the last response and its URL, which is empty if there was no redirect.
    """
    data = {"action": action, "_selected_action": [letter.pk for letter in letters], **more}
    answer = client.post(page("changelist", query=query), data, follow=True)
    return answer, answer.redirect_chain[-1][0] if answer.redirect_chain else ""


def test_a_replay_is_done_when_it_is_confirmed_and_not_before(olga):
    letter = died()
    asked, url = choose(olga, "replay", letter)
    assert "1 of 1 open letter can be replayed" in asked.content.decode()
    assert ANALYTICS in asked.content.decode()
    assert not OutboxEntry.objects.exists()

    done = olga.post(url, {"reason": "mended"}, follow=True)
    assert "1 replayed." in done.content.decode()
    assert OutboxEntry.objects.count() == 1
    action = DeadLetterAction.objects.get()
    assert (action.action, action.by, action.reason) == ("replay", "olga", "mended")


def test_what_cannot_be_replayed_is_told_and_stays_open(olga):
    letters = [died(), unreadable("{broken")]
    asked, url = choose(olga, "replay", *letters)
    assert "1 of 2 open letters can be replayed" in asked.content.decode()
    assert "It cannot be read" in asked.content.decode()
    assert "1 not replayed: it cannot be read" in olga.post(url, follow=True).content.decode()
    assert DeadLetter.objects.get(status="open") == letters[1]


def test_a_discard_asks_for_a_reason(olga):
    letter = died()
    asked, url = choose(olga, "discard", letter)
    assert "1 letter will be given up" in asked.content.decode()
    assert "This field is required" in olga.post(url, {"reason": " "}).content.decode()
    assert DeadLetter.objects.get().status == "open"

    olga.post(url, {"reason": "a test order"})
    assert DeadLetter.objects.get().status == "discarded"
    assert DeadLetterAction.objects.get().reason == "a test order"


def test_all_that_the_filters_let_through_can_be_chosen(olga):
    odd, other = died(error=ValueError("odd")), died(error=KeyError("sku"))
    _, url = choose(olga, "replay", odd, query="?error_type=ValueError&q=odd", select_across="1")
    olga.post(url)
    assert DeadLetter.objects.get(pk=odd.pk).status == "replayed"
    assert DeadLetter.objects.get(pk=other.pk).status == "open"


def test_a_filter_that_a_worker_would_not_understand_is_refused(olga):
    letter = died()
    answer, _ = choose(olga, "replay", letter, query="?traceback__exact=x", select_across="1")
    assert not OutboxEntry.objects.exists()
    assert answer.status_code == 200


def test_causes_lead_to_their_letters_and_to_replay_and_discard(olga):
    letter = died(error=ValueError("odd"))
    unreadable("{broken")
    shown = olga.get(page("causes")).content.decode()
    assert "ValueError" in shown
    assert f"consumer={ANALYTICS}" in shown

    group = f"?app=analytics&consumer={ANALYTICS}&error_type=ValueError&type={letter.type}"
    olga.post(page("discard", query=group), {"reason": "odd indeed"})
    assert {kept.error_type for kept in DeadLetter.objects.filter(status="open")} == {"InvalidMessage"}


@pytest.mark.parametrize("query", ["?ids=x", "?newest=x", "?ids="])
def test_a_url_that_names_no_letters_is_a_bad_request(olga, query):
    assert olga.get(page("replay", query=query)).status_code == 400


@pytest.mark.parametrize("query", ["ORD-1042' or 1=1", "0199b1d0-0000-7000-8000-000000000001", "no such"])
def test_letters_are_searched_for_by_id_and_error(olga, query):
    died()
    shown = olga.get(page("changelist"), {"q": query})
    assert shown.context["cl"].result_count == (query == "no such")


def test_many_are_replayed_by_a_worker_that_is_given_the_filter_alone(olga, monkeypatch):
    monkeypatch.setattr(pages, "MAX_REPLAYED_IN_REQUEST", 1)
    sent = []
    monkeypatch.setattr(
        tasks.replay, "apply_async", lambda **options: sent.append(options) or tasks.replay.apply(**options)
    )
    letters = [died(), died()]

    asked, url = choose(olga, "replay", *letters, select_across="1")
    assert "A worker replays them" in asked.content.decode()
    shown = olga.post(url, follow=True).content.decode()
    [options] = sent
    assert options["kwargs"]["selection"]["ids"] is None
    assert options["kwargs"]["total"] == 2
    assert OutboxEntry.objects.count() == 2
    assert "2 of 2" in shown


def test_without_a_broker_nothing_is_half_done(olga, monkeypatch):
    def unreachable(**options: object) -> None:
        raise OperationalError("[Errno 111] Connection refused")

    monkeypatch.setattr(pages, "MAX_REPLAYED_IN_REQUEST", 0)
    monkeypatch.setattr(tasks.replay, "apply_async", unreachable)
    letter = died()
    _, url = choose(olga, "replay", letter)
    shown = olga.post(url, follow=True).content.decode()
    assert "Nothing was replayed" in shown
    assert DeadLetter.objects.get().status == "open"
    assert not OutboxEntry.objects.exists()


def test_a_replay_under_way_shows_how_far_it_is(olga):
    tasks.replay.backend.store_result("a-task", {"done": 300, "total": 1200}, "PROGRESS")
    shown = olga.get(page("progress", "a-task")).content.decode()
    assert 'max="1200" value="300"' in shown
    assert 'http-equiv="refresh"' in shown

    tasks.replay.backend.store_result("a-task", ValueError("no"), "FAILURE")
    assert "has ended early" in olga.get(page("progress", "a-task")).content.decode()


def test_a_letter_is_edited_on_a_page_that_says_what_is_wrong(olga):
    letter = died()
    url = page("edit", letter.pk)
    assert "ORD-1042" in olga.get(url).content.decode()

    wrong = {"text": letter.body, "reason": "x"}  # the whole message, where its data is wanted
    assert "number: Field required" in olga.post(url, wrong).content.decode()
    right = {"text": f'{{"order_id": "{letter.aggregate_id}", "number": "ORD-1043", "reason": "stock"}}'}
    assert "This field is required" in olga.post(url, right).content.decode()
    olga.post(url, {**right, "reason": "misspelt"})
    assert DeadLetter.objects.get().status == "replaced"

    shown = olga.get(page("change", letter.pk)).content.decode()
    assert "ORD-1043" in shown, "the page shows the changes"
    assert ">Replay<" not in shown, "a closed letter offers no action"


def test_a_letter_that_another_operator_edited_is_not_edited_again(olga):
    letter = died()
    first, second = (
        {
            "text": f'{{"order_id": "{letter.aggregate_id}", "number": "{number}", "reason": "stock"}}',
            "reason": "x",
        }
        for number in ("ORD-1", "ORD-2")
    )
    olga.post(page("edit", letter.pk), first)
    late = olga.post(page("edit", letter.pk), second)
    assert (late.status_code, "has been replaced already" in late.content.decode()) == (200, True)
    assert "ORD-1" in OutboxEntry.objects.get().body


@pytest.mark.parametrize(
    "data", ['"\\ud800"', "[" * 900 + "]" * 900, '"\\u0000"'], ids=["surrogate", "deep", "nul"]
)
def test_whatever_a_stranger_wrote_can_be_looked_at(olga, data):
    letter = unreadable(f'{{"specversion": "1.0", "data": {data}}}')
    for name in ("change", "edit"):
        assert olga.get(page(name, letter.pk)).status_code == 200


def test_who_may_only_look_cannot_act(victor):
    letter = died()
    assert victor.get(page("causes")).status_code == 200
    shown = victor.get(page("change", letter.pk)).content.decode()
    assert ">Replay<" not in shown
    assert ">Edit and replay<" not in shown
    choose(victor, "replay", letter)
    for url in (page("replay"), page("discard"), page("edit", letter.pk)):
        assert victor.post(url, {"reason": "x", "text": "{}"}).status_code == 403
    assert not OutboxEntry.objects.exists()
    assert DeadLetter.objects.get().status == "open"


def test_replaying_discarding_and_editing_are_permissions_of_their_own(client):
    letter = died()
    urls = {"replay": page("replay"), "discard": page("discard"), "edit": page("edit", letter.pk)}
    for allowed in urls:
        user = staff_with("messaging.view_deadletter", f"messaging.{allowed}_deadletter", username=allowed)
        client.force_login(user)
        statuses = {name: client.get(url).status_code for name, url in urls.items()}
        assert statuses == dict.fromkeys(urls, 403) | {allowed: 200}


def test_strangers_are_sent_to_the_login(client):
    assert client.get(page("causes")).status_code == 302
