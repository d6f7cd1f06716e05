"""A reload: what counts as a change, and what happens when the code is wrong."""

import os
from collections.abc import Collection
from pathlib import Path

import pytest

from dev.errors import NotReady
from dev.run import reloading
from dev.run.reloading import Reloader, Watch


@pytest.fixture
def tree(tmp_path) -> Path:
    for name in (
        "orders/services.py",
        "orders/templates/a.html",
        "docs/a.py",
        "var/b.py",
        "orders/readme.md",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1\n")
    return tmp_path


def change(path: Path, text: str = "x = 2\n") -> None:
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_code_and_templates_count_and_papers_do_not(tree):
    watch = Watch(tree)
    assert watch.changed() == set()
    for name in (
        "orders/services.py",
        "orders/templates/a.html",
        "docs/a.py",
        "var/b.py",
        "orders/readme.md",
    ):
        change(tree / name)
    assert watch.changed() == {tree / "orders/services.py", tree / "orders/templates/a.html"}
    (tree / "orders/services.py").unlink()
    (tree / "orders/new.py").write_text("")
    assert watch.changed() == {tree / "orders/services.py", tree / "orders/new.py"}


class Programs:
    """The stack, as far as a reload asks for it."""

    def __init__(self) -> None:
        self.reloads: list[Collection[Path]] = []
        self.failure: Exception | None = None

    def reload(self, changed: Collection[Path]) -> None:
        self.reloads.append(changed)
        if self.failure:
            raise self.failure


@pytest.fixture
def programs() -> Programs:
    return Programs()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def reloader(tree, programs, said, monkeypatch) -> Reloader:
    monkeypatch.setattr(reloading, "_INTERVAL", 0.0)
    return Reloader(programs, said.append, root=tree)  # type: ignore[arg-type]  # as far as it is used


def test_a_change_restarts_once(reloader, programs, said, tree):
    reloader.tend()
    assert programs.reloads == []
    change(tree / "orders/services.py")
    reloader.tend()
    reloader.tend()
    assert programs.reloads == [{tree / "orders/services.py"}]
    assert said[0].startswith("orders/services.py: started again in ")


def test_what_is_no_python_is_told_and_restarts_nothing(reloader, programs, said, tree):
    change(tree / "orders/services.py", "def broken(:\n")
    reloader.tend()
    assert programs.reloads == []
    assert said[0].startswith("orders/services.py: invalid syntax")


def test_code_that_does_not_start_waits_for_the_next_change(reloader, programs, said, tree):
    programs.failure = NotReady("all did not get ready")
    change(tree / "orders/services.py")
    reloader.tend()
    assert "all did not get ready\nChange the code again" in said[0]
    programs.failure = None
    change(tree / "orders/services.py", "x = 3\n")
    reloader.tend()
    assert "started again" in said[1]
