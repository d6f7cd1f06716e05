"""The tutorial, done word by word in a copy of the tree: every command, every edit, every output."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from dev.paths import ROOT
from dev.processes import ports
from tests.faults.seeds import LONG
from tests.support.servers import fresh_database
from tests.support.waiting import eventually

#: A block of the tutorial, with the comment above it.
_BLOCK = re.compile(
    r"(?:<!-- (?P<kind>\w+): (?P<where>\S+) -->\n)?```(?:console|python|diff)\n(?P<text>.*?)```", re.S
)

#: Seconds to wait for what a program shows.
TIMEOUT = 240
#: Ports of the shop and of the receiver.
SHOP, RECEIVER = ports.pick(26_100), ports.pick(27_100)


def blocks() -> list[tuple[str, str, str]]:
    """Return kind, place and text of each block, with ports that are free."""
    text = (ROOT / "docs/tutorial.md").read_text()
    text = text.replace("8080", str(RECEIVER)).replace("$ script/run", f"$ script/run --port {SHOP}")
    return [(m["kind"] or "", m["where"] or "", m["text"]) for m in _BLOCK.finditer(text)]


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the tree with the same virtual environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    copy = tmp_path / "shop"
    for name in listed.stdout.splitlines():
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    (copy / ".venv").symlink_to(ROOT / ".venv")
    return copy


class Terminals:
    """Shells that keep their state from block to block."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self._folder, self._env = folder, env
        self._shell = self._start("bash")
        self._servers: dict[str, subprocess.Popen[str]] = {}

    def _start(self, command: str, sink: int | IO[str] = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self._folder,
            env=self._env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )

    def run(self, command: str) -> str:
        """Run a command in the second terminal and return its output."""
        assert self._shell.stdin
        assert self._shell.stdout
        print(f'{command}\necho "--- $?"', file=self._shell.stdin, flush=True)
        lines: list[str] = []
        while not lines or not lines[-1].startswith("--- "):
            lines.append(self._shell.stdout.readline())
            assert lines[-1], "the shell has ended"
        output = "".join(lines[:-1])
        assert lines[-1] == "--- 0\n", f"{command}\n{output}"
        return output

    def start(self, name: str, command: str) -> None:
        """Start a program in a terminal of its own."""
        with (self._folder / f"{name}.out").open("w") as sink:
            self._servers[name] = self._start(command, sink)

    def shown(self, name: str) -> str:
        """Return what a program has printed so far."""
        return re.sub(r"[ ]+$", "", (self._folder / f"{name}.out").read_text(), flags=re.MULTILINE)

    def close(self) -> None:
        for process in (self._shell, *self._servers.values()):
            process.terminate()
            process.communicate(timeout=60)


@pytest.fixture
def terminals(copy, server_url, prepared) -> Iterator[Terminals]:
    """Terminals in the copy, whose shop has a database with tables already."""
    template, _ = prepared
    with fresh_database(server_url) as broker, fresh_database(server_url, template=template) as url:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("SHOP_", "DJANGO_"))}
        env |= {"DATABASE_URL": url, "SHOP_ADMIN_DATABASE_URL": "", "COLUMNS": "200"}
        env["CELERY_BROKER_URL"] = broker.replace("postgresql://", "pgmq://", 1)
        terminals = Terminals(copy, env)
        try:
            yield terminals
        finally:
            terminals.close()


def pattern_of(expected: str) -> re.Pattern[str]:
    """Return the pattern of an output; … stands for anything."""
    return re.compile(".*?".join(re.escape(part) for part in expected.strip().split("…")), re.S)


def follow(terminals: Terminals, folder: Path, kind: str, where: str, text: str) -> None:
    """Do what a block says, and compare what is seen."""
    if kind == "append":
        with (folder / where).open("a") as file:
            file.write(text)
    elif kind == "change":
        file_ = folder / where
        before, after = (
            "\n".join(x[1:] for x in text.splitlines() if x[0] in signs) for signs in (" -", " +")
        )
        assert file_.read_text().count(before) == 1, text
        file_.write_text(file_.read_text().replace(before, after))
    elif kind == "terminal":
        command, expected = text.split("\n", 1) if text.startswith("$ ") else ("", text)
        if command:
            terminals.start(where, command.removeprefix("$ "))
        eventually(lambda: pattern_of(expected).search(terminals.shown(where)), within=TIMEOUT)
    else:
        for part in text.removeprefix("$ ").split("\n$ "):
            command, _, expected = part.partition("\n")
            output = terminals.run(command)
            assert pattern_of(expected).fullmatch(output.strip()), f"{command}\n{output}"


@pytest.mark.skipif(not LONG, reason="starts a shop of its own: script/test --long")
@pytest.mark.timeout(900)
def test_the_tutorial_does_what_it_says(terminals, copy):
    assert sys.prefix != sys.base_prefix  # the copy shares a virtual environment
    for kind, where, text in blocks():
        follow(terminals, copy, kind, where, text)
