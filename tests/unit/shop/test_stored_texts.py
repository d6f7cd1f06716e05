"""Sentences that are stored in English, shown in German."""

import re

import pytest
from django.utils import translation

from dev.catalogues import entries
from dev.paths import ROOT
from dev.stored_texts import sentences
from shop.stored_texts import CONTEXT, translated

GERMAN = [entry for entry in entries(ROOT / "locale/de/LC_MESSAGES/django.po") if entry.context == CONTEXT]


@pytest.fixture(autouse=True)
def german():
    with translation.override("de"):
        yield


def _filled(text: str) -> str:
    return re.sub(r"\{(\w*)\}", lambda place: f"7 {place[1].upper()}", text)


def test_each_sentence_is_found_and_keeps_its_values():
    assert len(GERMAN) > 100
    shown = {entry.text: translated(_filled(entry.text)) for entry in GERMAN}
    assert shown == {entry.text: _filled(entry.translations[0]) for entry in GERMAN}


def test_sentences_and_states_within_a_sentence_are_translated():
    note = "doctor: its refund of 5.00 EUR is requested, and no reminder is pending"
    assert translated(note) == (
        "Bestelldoktor: ihre Erstattung von 5.00 EUR ist im Zustand „Angefordert“,"
        " und keine Erinnerung steht aus"
    )
    assert translated("never took 3 events, as orders.OrderCreated.v1 of order 7") == (
        "hat 3 Ereignisse nie verarbeitet, etwa orders.OrderCreated.v1 von Bestellung 7"
    )


def test_what_nobody_knows_stays_as_it_is():
    assert translated("Called Ada; she will pay") == "Called Ada; she will pay"
    assert translated("") == ""
    with translation.override("en"):
        assert translated("take its money") == "take its money"


def test_sentences_of_a_module_have_names_for_their_values():
    source = '''"""Not a sentence."""
logger.info("not a sentence either")
KEY = "word"
yield f"it is {case.status}, though {text(balance.held)} of {self.status} are {'not' if no else ''} held"
Repair(key=f"a key {name}", wrong="the figures differ")
'''
    assert list(sentences(source)) == [
        "it is {status}, though {held} of {status2} are {no} held",
        "the figures differ",
    ]
