"""Notes and tags of staff on orders: written once, found in the list, forgotten with the customer."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from orders.errors import OrderErased, TooManyTags
from orders.models import Order, OrderNote, OrderTag
from orders.notes.queries import notes_of, tag_names
from orders.notes.services import MOST_TAGS, add_note, add_tag
from shop.ids import uuid7
from shop.messaging.contracts import ERASED
from shop.messaging.models import EventRecord
from tests.support.rights import staff_with

pytestmark = pytest.mark.django_db
LIST = "admin:orders_order_changelist"


@pytest.fixture
def submit(client, olga):
    """Submit a form of the page of an order."""
    client.force_login(olga)

    def post(order: Order, form: str, **data: str) -> list[str]:
        url = reverse(f"admin:orders_order_{form}", args=[order.pk])
        response = client.post(url, data)
        assert response.url == reverse("admin:orders_order_change", args=[order.pk]) + "#notes"
        return [str(message) for message in response.wsgi_request._messages]

    return post


@pytest.fixture
def listed(client, olga):
    """Numbers in the list under a tag."""
    client.force_login(olga)
    return lambda tag: [
        order.number for order in client.get(reverse(LIST), {"tag": tag}).context["cl"].result_list
    ]


def test_a_note_says_who_wrote_it_and_no_event_and_no_journal_has_its_text(order, submit):
    events = EventRecord.objects.count()
    submit(order, "note", text="Rang: he is in hospital.")
    [note] = notes_of(order.pk)
    assert (note.text, note.by) == ("Rang: he is in hospital.", "olga")
    assert EventRecord.objects.count() == events
    assert LogEntry.objects.get().change_message == "Wrote a note."


def test_a_form_that_is_sent_twice_writes_one_note(order, submit):
    attempt = str(uuid7())
    for _ in range(2):
        said = submit(order, "note", text="Rang.", attempt=attempt)
    assert OrderNote.objects.count() == 1
    assert "has taken effect" in said[-1]


@pytest.mark.parametrize("text", ["", "\u200b", "x" * 2001])
def test_a_note_has_a_text(order, submit, text):
    assert submit(order, "note", text=text)
    assert not OrderNote.objects.exists()


def test_a_tag_filters_the_list_in_any_case_and_is_taken_away_again(place, submit, listed):
    fragile, other = place(), place()
    submit(fragile, "tag", name="  Fragile  goods")
    submit(other, "tag", name="straße")
    assert tag_names() == ["fragile goods", "strasse"]
    assert listed("fragile goods") == [fragile.number]
    assert listed("unknown") == []
    submit(fragile, "untag", name="Fragile goods")
    assert listed("fragile goods") == []
    assert [e.change_message for e in LogEntry.objects.order_by("pk")][-1].startswith("Took the tag")


def test_a_tag_that_the_order_has_stays_once_and_one_that_it_has_not_is_no_act(order, submit):
    for _ in range(2):
        submit(order, "tag", name="urgent")
    assert OrderTag.objects.count() == 1
    acts = LogEntry.objects.count()
    assert submit(order, "untag", name="calm")[-1] == f"{order.number} has no tag “calm”."
    assert LogEntry.objects.count() == acts


@pytest.mark.parametrize("name", ["<b>", "a,b", "x" * 31, " "])
def test_a_tag_is_a_word(order, submit, name):
    assert submit(order, "tag", name=name)
    assert not OrderTag.objects.exists()


def test_an_order_has_a_few_tags(order):
    for number in range(MOST_TAGS):
        add_tag(order_id=order.pk, name=f"tag {number}")
    with pytest.raises(TooManyTags):
        add_tag(order_id=order.pk, name="one more")
    add_tag(order_id=order.pk, name="tag 1")


def test_an_erased_order_takes_none(order):
    Order.objects.filter(pk=order.pk).update(ship_name=ERASED, ship_street=ERASED)
    with pytest.raises(OrderErased):
        add_note(order_id=order.pk, text="He lives at 1 Rabbit Hole.", by="olga")
    with pytest.raises(OrderErased):
        add_tag(order_id=order.pk, name="rabbit")


def test_who_may_not_annotate_cannot(client, order):
    client.force_login(staff_with("orders.view_order"))
    for form, data in (("note", {"text": "x"}), ("tag", {"name": "x"}), ("untag", {"name": "x"})):
        assert client.post(reverse(f"admin:orders_order_{form}", args=[order.pk]), data).status_code == 403
    assert not OrderNote.objects.exists()
