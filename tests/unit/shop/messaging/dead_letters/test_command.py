"""``manage.py dead_letters``: list, replay and discard on the command line."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from shop.messaging.models import DeadLetter, DeadLetterAction, OutboxEntry
from tests.unit.shop.messaging.dead_letters.examples import ANALYTICS, died, unreadable

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("dead_letters", *arguments, stdout=out)
    return out.getvalue()


def test_letters_are_listed_by_cause():
    died(error=ValueError("odd"))
    unreadable("{broken")
    listed = run("list", "--consumer", ANALYTICS)
    assert ANALYTICS in listed
    assert "ValueError: odd" in listed
    assert "Open dead letters: 1" in listed


def test_a_replay_tells_what_it_will_do_and_does_it():
    died(error=ValueError("odd")), died(error=KeyError("sku"))
    output = run("replay", "--error-type", "ValueError", "--by", "olga", "--yes")
    assert "1 will be delivered, 0 skipped by the inbox" in output
    assert "Replayed: 1" in output
    assert OutboxEntry.objects.count() == 1
    assert DeadLetterAction.objects.get().by == "olga"


def test_nothing_is_done_without_a_yes(monkeypatch):
    died()
    monkeypatch.setattr("builtins.input", lambda question: "")
    for command in (("replay",), ("discard", "--reason", "tests")):
        with pytest.raises(CommandError, match="Nothing was done"):
            run(*command)
    assert DeadLetter.objects.get().status == "open"


def test_a_discard_needs_a_reason_on_the_command_line_too():
    letter, other = died(), died()
    with pytest.raises(CommandError, match="--reason"):
        run("discard", "--yes")
    run("discard", "--id", str(letter.pk), "--reason", "tests", "--yes")
    assert DeadLetter.objects.get(pk=letter.pk).status == "discarded"
    assert DeadLetter.objects.get(pk=other.pk).status == "open"
