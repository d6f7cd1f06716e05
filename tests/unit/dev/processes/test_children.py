"""Children that are executed and those that are forked: alike to their parent, and in what they see."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dev.paths import ROOT
from dev.processes import children
from dev.processes.supervisor import StartChild
from tests.support import forks
from tests.support.waiting import eventually

SHOW = """\
import json, os, sys
print(json.dumps({
    "argv": sys.argv, "name": __name__, "path": sys.path[0], "cwd": os.getcwd(), "parent": os.getppid(),
    "environment": {name: os.environ[name] for name in sorted(os.environ) if name != "LC_CTYPE"},
    "leads": os.getsid(0) == os.getpgrp() == os.getpid(), "input": sys.stdin.read(),
    "files": sorted(os.listdir("/proc/self/fd"))[:-1], "umask": os.umask(0),
}))
print("done", file=sys.stderr)
"""
WAIT = "import time; print('waiting', flush=True); time.sleep(60)"


@pytest.fixture(params=[children.start_child, forks.start_child], ids=["executed", "forked"])
def start_child(request: pytest.FixtureRequest) -> StartChild:
    start: StartChild = request.param
    return start


def test_a_child_has_its_own_environment_session_and_files(start_child, tmp_path):
    seen, env = {}, {"SHOP_URL": "x", "PYTHONUNBUFFERED": "1"}
    for start in (children.start_child, start_child):
        log = tmp_path / "log"
        child = start([sys.executable, "-c", SHOW, "a", "b c"], env=env, log=log)
        assert child.wait() == 0
        seen, last = json.loads(log.read_text().splitlines()[0]), seen
        assert log.read_text().endswith("done\n")
        log.unlink()
    assert seen == last
    assert seen["environment"] == env
    assert seen["parent"] == os.getpid()
    assert seen["leads"]


def test_a_module_runs_as_python_runs_it(start_child, tmp_path):
    child = start_child(
        [sys.executable, "-m", "json.tool", "--help"], env={"COLUMNS": "100"}, log=tmp_path / "log"
    )
    assert child.wait() == 0
    assert (tmp_path / "log").read_text().startswith("usage: python -m json.tool [-h]")


@pytest.mark.parametrize(("code", "expected"), [("raise SystemExit(3)", 3), ("1 / 0", 1)])
def test_the_exit_code_is_the_programs(start_child, tmp_path, code, expected):
    child = start_child([sys.executable, "-c", code], env={}, log=tmp_path / "log")
    assert child.wait() == expected


def test_a_killed_child_is_seen_dead_and_reaped(start_child, tmp_path):
    child = start_child([sys.executable, "-c", WAIT], env={}, log=tmp_path / "log")
    eventually(lambda: (tmp_path / "log").read_text())
    assert not children.has_ended(child)
    os.kill(child.pid, signal.SIGKILL)
    eventually(lambda: children.has_ended(child))
    assert children.kill_child(child) == -signal.SIGKILL
    assert not Path(f"/proc/{child.pid}").exists()


def test_nobody_but_the_first_process_of_a_template_has_its_files():
    reading, writing = os.pipe()
    with open(reading, "rb", buffering=0) as output, open(os.devnull) as nothing:
        argv, env = [sys.executable, "-m", "celery", "--version"], {"DJANGO_SETTINGS_MODULE": "shop.settings"}
        child = forks.start_fork(argv, env=env, files=(nothing.fileno(), writing, writing))
        os.close(writing)
        child.wait(60)
        os.set_blocking(reading, False)
        while said := output.read(4096):  # None if there is a writer left
            pass
    assert said == b""


@pytest.mark.parametrize("way", ["dev.processes.children", "tests.support.forks"])
def test_a_child_dies_with_its_parent(way, tmp_path):
    log = tmp_path / "log"
    parent = f"""\
import sys, time
from pathlib import Path
from {way} import start_child
print(start_child([sys.executable, "-c", {WAIT!r}], env={{}}, log=Path({str(log)!r})).pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        pid = int(process.stdout.readline())
        eventually(lambda: "waiting" in log.read_text())
        process.kill()
    eventually(lambda: has_gone(pid))


def has_gone(pid: int) -> bool:
    """Return True if there is no such process, or it waits for its parent to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
