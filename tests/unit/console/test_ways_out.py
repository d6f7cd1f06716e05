"""Table of the ways out: every state has one or is an end, and what it names exists."""

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command

from console import ways_out
from console.ways_out import ENDS, TABLE, Ways
from orders.states import AttentionReason, Status
from shop.messaging.consuming import consumers

ROWS = [(model, state, ways) for model, states in TABLE.items() for state, ways in states.items()]
ATTENTION = {f"{Status.NEEDS_ATTENTION}: {reason}" for reason in AttentionReason}


@pytest.mark.parametrize("model", TABLE)
def test_every_state_has_a_way_out_or_is_an_end(model):
    is_order = model == "orders.Order"
    states = {*Status} - {Status.NEEDS_ATTENTION} | ATTENTION if is_order else {*apps.get_model(model).State}
    assert {*TABLE[model], *ENDS[model]} == states
    assert not TABLE[model].keys() & ENDS[model]


@pytest.mark.parametrize(("model", "state", "ways"), ROWS, ids=str)
def test_the_app_of_a_state_consumes_what_ends_it(model, state, ways):
    consumed = {consumer.event for consumer in consumers() if consumer.app == model.split(".")[0]}
    assert ways != Ways()
    assert {*ways.events} <= consumed


@pytest.mark.django_db
def test_every_act_needs_a_permission_that_exists():
    known = {f"{one.content_type.app_label}.{one.codename}" for one in Permission.objects.all()}
    acts = {act for *_, ways in ROWS for act in ways.acts}
    assert {act.permission for act in acts if act.permission} <= known
    assert all(act.customer for act in acts if not act.permission)


def test_the_page_in_docs_is_up_to_date():
    call_command("ways_out", "--check")


def test_a_stale_page_is_refused(tmp_path):
    file = tmp_path / "ways-out.md"
    file.write_text(ways_out.page() + "more")
    with pytest.raises(CommandError, match="stale"):
        call_command("ways_out", "--check", "--file", file)
    assert (settings.BASE_DIR / "docs" / "ways-out.md").read_text() == ways_out.page()
