"""Checks of a check-up for its page: what each one makes sure of, and what it has found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from console.doctor.remedies import State
from console.models import Checkup

#: What is made sure of, and the kinds of findings that say otherwise.
CHECKS: tuple[tuple[StrOrPromise, frozenset[str]], ...] = (
    (
        _("Every event has reached all of its consumers, and no order was lost."),
        frozenset({"lost", "inbox", "dead", "backfill"}),
    ),
    (
        _("No message was forged, and every consumed event is in the log."),
        frozenset({"forged", "origin"}),
    ),
    (_("Events, retries and reminders are sent in time."), frozenset({"backlog"})),
    (_("Every order is in the event log once, and none of its events twice."), frozenset({"log"})),
    (_("Every order is as its events say."), frozenset({"history", "status"})),
    (
        _("Every order moves on or waits for something, and no reminder is missing."),
        frozenset({"timer", "stalled", "idle"}),
    ),
    (
        _("Every payment is as the provider has it, and nobody was charged unasked."),
        frozenset({"payment", "attempts", "notice"}),
    ),
    (_("The shop keeps exactly the value of what it has shipped."), frozenset({"money", "capture"})),
    (_("Every refund was requested, and was answered."), frozenset({"refund", "refunds"})),
    (_("The stock is what its movements and the orders say."), frozenset({"stock"})),
    (
        _("Every parcel is as the carrier has it, and arrives in time."),
        frozenset({"parcel", "overdue", "delivery"}),
    ),
    (_("No more comes back than was sent, and the money follows."), frozenset({"returns"})),
    (_("Every customer has a message about each event, and no other."), frozenset({"message"})),
    (_("The figures agree with the books."), frozenset({"figures"})),
)
#: States of findings in the order in which they need a person.
_URGENCY = [State.LEFT, State.HANDED_OVER, State.REPAIRABLE, State.REPAIRED, State.UNDER_WAY]


@dataclass(frozen=True, slots=True)
class Checked:
    """A check and its result."""

    text: StrOrPromise
    #: Number of its findings.
    found: int
    #: Some of them need a person.
    is_left: bool


def checks_of(checkup: Checkup) -> Iterator[Checked]:
    """Yield the checks with what the stored findings say of them."""
    for text, kinds in CHECKS:
        found = [finding for finding in checkup.findings if finding["kind"] in kinds]
        is_left = any(finding["state"] in (State.LEFT, State.HANDED_OVER) for finding in found)
        yield Checked(text, len(found), is_left)


def by_urgency(checkup: Checkup) -> list[Mapping[str, Any]]:
    """Return the stored findings: first those that need a person."""
    places = {state.value: place for place, state in enumerate(_URGENCY)}
    return sorted(checkup.findings, key=lambda finding: places.get(finding["state"], 0))
