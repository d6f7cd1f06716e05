"""The progress line of long management commands."""

from io import StringIO

import pytest
from django.core.management.base import OutputWrapper

from shop import progress
from shop.progress import ProgressLine


class Terminal(StringIO):
    """An output that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def frozen_clock(monkeypatch):
    monkeypatch.setattr(progress.time, "monotonic", lambda: 1000.0)


def test_a_file_gets_the_first_and_the_last_count_and_none_in_between():
    out = StringIO()
    with ProgressLine("Orders", OutputWrapper(out)) as line:
        for done in (1, 2, 3000):
            line.show(done, 3000)

    assert out.getvalue() == "Orders: 1 of 3,000\nOrders: 3,000 of 3,000\n"


def test_a_file_gets_a_line_now_and_then(monkeypatch):
    out = StringIO()
    with ProgressLine("Orders", OutputWrapper(out)) as line:
        line.show(1, 3)
        monkeypatch.setattr(progress.time, "monotonic", lambda: 1000.0 + progress.FILE_INTERVAL)
        line.show(2, 3)

    assert out.getvalue() == "Orders: 1 of 3\nOrders: 2 of 3\n"


def test_a_terminals_line_is_rewritten_and_ended():
    out = Terminal()
    with ProgressLine("Orders", OutputWrapper(out)) as line:
        line.show(1, 2)
        line.show(2, 2)

    assert out.getvalue() == "Orders: 1 of 2\rOrders: 2 of 2\n"
