"""docs/guarantees.md and docs/security.md promise only what tests hold."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
}


class Section(NamedTuple):
    """A promise of the page: its title, and the texts under it."""

    title: str
    #: What an attacker tries; empty on the page of guarantees.
    threat: str
    promise: str
    limits: list[str]
    tests: list[str]


def sections(page: str) -> list[Section]:
    """The sections of the page, one a promise."""
    return [section(text) for text in re.split(r"^## ", page, flags=re.MULTILINE)[1:]]


def section(text: str) -> Section:
    title, _, rest = text.partition("\n")
    promise, *_ = re.split(r"^(?:Limits|Tests):$", rest, flags=re.MULTILINE)
    threat, promise = split_threat(promise.strip())
    return Section(title, threat, promise, items(rest, "Limits"), items(rest, "Tests"))


def split_threat(text: str) -> tuple[str, str]:
    """The paragraph that begins with ``Threat:``, and the rest."""
    if not text.startswith("Threat: "):
        return "", text
    threat, _, promise = text.partition("\n\n")
    return threat.removeprefix("Threat: "), promise.strip()


def items(text: str, label: str) -> list[str]:
    """The items of the list under ``label``; none where there is no such list."""
    found = re.search(rf"^{label}:\n\n((?:(?:- |  ).+\n?)+)", text, re.MULTILINE)
    return re.findall(r"^- (.+)", found[1], re.MULTILINE) if found else []


GUARANTEES = sections((ROOT / "docs" / "guarantees.md").read_text())
THREATS = sections((ROOT / "docs" / "security.md").read_text())


def test_there_are_guarantees():
    assert len(GUARANTEES) > 10


@pytest.mark.parametrize("section", THREATS, ids=lambda section: section.title)
def test_every_threat_is_named(section: Section):
    assert section.threat, "it does not begin with a paragraph 'Threat: ...'"


@pytest.mark.parametrize("guarantee", [*GUARANTEES, *THREATS], ids=lambda guarantee: guarantee.title)
def test_every_guarantee_has_limits_and_tests_that_exist(guarantee: Section):
    assert guarantee.promise, "it promises nothing"
    assert guarantee.limits, "it has no list of Limits"
    assert guarantee.tests, "it has no list of Tests"
    names = [re.fullmatch(r"`(test_\w+)`", item) for item in guarantee.tests]
    assert all(names), "an item under Tests is no name of a test"
    assert {name[1] for name in names if name} - TESTS == set(), "these tests do not exist"


@pytest.mark.parametrize(
    ("page", "missing"),
    [
        ("## A\n\nIt holds.\n\nTests:\n\n- `test_a`\n", "limits"),
        ("## A\n\nIt holds.\n\nLimits:\n\n- None.\n", "tests"),
        ("## A\n\nLimits:\n\n- None.\n\nTests:\n\n- `test_a`\n", "promise"),
        ("## A\n\nIt holds.\n\nLimits:\n\n- None.\n\nTests:\n\n- `test_a`\n", "threat"),
        ("## A\n\nThreat: A lie.\n\nLimits:\n\n- None.\n\nTests:\n\n- `test_a`\n", "promise"),
        ("## A\n\nIt holds.\n\nLimits:\n\n## B\n\nIt holds.\n\nLimits:\n\n- None.\n", "limits"),
    ],
)
def test_what_a_section_lacks_is_seen(page: str, missing: str):
    assert not getattr(sections(page)[0], missing)
