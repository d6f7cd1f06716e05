"""``manage.py listen``: prints what happens, or posts it to a program, signed."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from integrations.secrets import new_secret
from tests.unit.integrations.happenings import CANCELLED, cancelled

pytestmark = pytest.mark.django_db


def listen(*arguments: str) -> str:
    """Run the command over the events so far and return its output."""
    output = StringIO()
    call_command("listen", *arguments, "--after", "0", "--count", "1", stdout=output, stderr=StringIO())
    return output.getvalue()


def test_an_event_is_printed_in_one_line():
    cancelled(taken_up=False)
    _, _, type_, data = listen("orders.*").rstrip().split("  ", 3)
    assert type_ == CANCELLED
    assert json.loads(data)["number"] == "ORD-1042"


def test_an_event_is_printed_as_a_cloudevent():
    event = cancelled(taken_up=False)
    assert json.loads(listen("--json"))["id"] == str(event.meta.id)


def test_an_event_is_forwarded_as_a_webhook(receiver):
    inbox = receiver.inboxes["/here"]
    inbox.secret = new_secret()
    event = cancelled(taken_up=False)
    output = listen("--forward-to", receiver.url("/here"), "--secret", inbox.secret)
    assert output.endswith("  -> 200\n")
    assert inbox.accepted == {str(event.meta.id): 1}


def test_a_program_that_is_away_ends_nothing(receiver):
    cancelled(taken_up=False)
    url = receiver.url("/here")
    receiver.close()
    assert "  -> ConnectionRefusedError" in listen("--forward-to", url)
    receiver.open()


def test_an_address_that_no_network_names_is_refused(receiver, settings):
    settings.SHOP_ENDPOINT_NETWORKS = []
    cancelled(taken_up=False)
    with pytest.raises(CommandError, match="name its network in SHOP_ENDPOINT_NETWORKS"):
        listen("--forward-to", receiver.url("/here"))


def test_an_address_is_written_whole():
    with pytest.raises(CommandError, match="Write the whole address"):
        listen("--forward-to", "localhost:8080")
