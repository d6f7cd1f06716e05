"""docs/guarantees.md is a promise only as far as tests hold it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    [cell.strip() for cell in line.strip("|\n ").split("|")]
    for line in (ROOT / "docs" / "guarantees.md").read_text().splitlines()
    if line.startswith("| **")
]
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
}


def test_there_are_guarantees():
    assert len(ROWS) > 10


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].split(".")[0].strip("* "))
def test_every_guarantee_is_held_by_tests_that_exist(row: list[str]):
    named = re.findall(r"`(test_\w+)`", row[-1])
    assert named, "no test holds it"
    assert set(named) - TESTS == set(), "these tests do not exist"
