"""The supervisor with real processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dev.errors import NotReady
from dev.paths import ROOT
from dev.processes import supervisor as supervisor_
from dev.processes.children import has_ended, kill_child
from dev.processes.readiness import WhenFileExists
from dev.processes.supervisor import Program, Supervisor
from tests.support.waiting import eventually

SLEEP = "import time; time.sleep(60)"
DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
)


def program(name: str, code: str, **options: object) -> Program:
    return Program(name, (sys.executable, "-c", code), os.environ, **options)  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def notices() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path, notices):
    supervisor = Supervisor(tmp_path, report=notices.append)
    yield supervisor
    supervisor.kill()


def test_what_crashes_is_started_again_and_reported(supervisor, notices, monkeypatch):
    monkeypatch.setattr(supervisor_, "_FIRST_PAUSE", 0.01)
    supervisor.start(program("payments", SLEEP))
    first = supervisor["payments"].child.pid
    os.kill(first, signal.SIGKILL)

    eventually(lambda: supervisor.tend() or supervisor["payments"].child.pid != first)
    assert len(notices) == 1
    assert "payments was killed by SIGKILL; it starts again in" in notices[0]


def test_what_crashes_again_and_again_is_given_more_time(supervisor, notices, monkeypatch):
    monkeypatch.setattr(supervisor_, "_FIRST_PAUSE", 0.01)
    supervisor.start(program("payments", "raise SystemExit(3)"))

    eventually(lambda: supervisor.tend() or len(notices) == 4)
    pauses = [float(notice.split(" in ")[1].split()[0]) for notice in notices]
    assert pauses == sorted(pauses)
    assert supervisor["payments"].crashes == 4


def test_a_program_that_never_gets_ready_is_named_with_the_end_of_its_log(supervisor, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor_, "_FIRST_PAUSE", 0.01)
    ready = WhenFileExists(tmp_path / "ready")
    supervisor.start(program("orders", "raise SystemExit('no such queue')", readiness=ready))

    with pytest.raises(NotReady, match=r"(?s)orders did not get ready.*no such queue"):
        supervisor.wait_ready()


def test_a_sign_of_readiness_from_an_earlier_life_does_not_count(supervisor, tmp_path):
    (tmp_path / "ready").touch()
    supervisor.start(program("orders", SLEEP, readiness=WhenFileExists(tmp_path / "ready")))

    with pytest.raises(NotReady):
        supervisor.wait_ready(timeout=0.1)


def test_programs_stop_stage_by_stage(supervisor, tmp_path):
    record = tmp_path / "record"
    note = (
        "import signal, sys, time\n"
        f"def stop(*_): open({str(record)!r}, 'a').write(sys.argv[1]); sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop); print('up', flush=True); time.sleep(60)"
    )
    for stage, name in ((1, "worker"), (0, "web")):
        argv = (sys.executable, "-c", note, name)
        supervisor.start(Program(name, argv, os.environ, stage=stage))
    eventually(lambda: all("up" in (tmp_path / f"{name}.log").read_text() for name in ("web", "worker")))
    supervisor.stop()

    assert record.read_text() == "webworker"


def test_what_does_not_stop_in_time_is_killed_and_reported(supervisor, notices, tmp_path):
    supervisor.start(program("deaf", DEAF, grace=0.2))
    eventually(lambda: (tmp_path / "deaf.log").read_text())
    pid = supervisor["deaf"].child.pid
    supervisor.stop()

    assert not is_alive(pid)
    assert notices == ["deaf did not stop within 0 s and was killed"]


def test_a_killed_supervisor_leaves_nothing_behind(tmp_path):
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from dev.processes.supervisor import Program, Supervisor\n"
        f"supervisor = Supervisor(Path({str(tmp_path)!r}), report=print)\n"
        f"supervisor.start(Program('deaf', (sys.executable, '-c', {DEAF!r}), os.environ))\n"
        "print(supervisor['deaf'].child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout
        pid = int(supervisor.stdout.readline())
        assert is_alive(pid)
        supervisor.kill()

    eventually(lambda: not is_alive(pid))


def test_what_is_retired_is_asked_to_stop_and_not_started_again(supervisor, notices):
    supervisor.start(program("payments", SLEEP), program("orders", SLEEP))
    child = supervisor.retire("payments")

    eventually(lambda: has_ended(child))
    supervisor.tend()
    assert kill_child(child) == -signal.SIGTERM
    assert notices == []
    assert is_alive(supervisor["orders"].child.pid)
    with pytest.raises(StopIteration):
        supervisor["payments"]


def test_a_restart_keeps_the_order_of_the_stages_the_log_and_all_others(supervisor, tmp_path):
    record = tmp_path / "record"
    note = (
        "import signal, sys, time\n"
        f"def stop(*_): open({str(record)!r}, 'a').write(sys.argv[1]); sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop); print('up', flush=True); time.sleep(60)"
    )
    for stage, name in ((1, "worker"), (0, "web"), (2, "prometheus")):
        supervisor.start(Program(name, (sys.executable, "-c", note, name), os.environ, stage=stage))

    def ups(name: str) -> int:
        return (tmp_path / f"{name}.log").read_text().count("up")

    eventually(lambda: all(ups(name) for name in ("web", "worker", "prometheus")))
    before = {name: supervisor[name].child.pid for name in ("web", "worker", "prometheus")}
    supervisor.restart("worker", "web")

    assert record.read_text() == "webworker"
    eventually(lambda: ups("web") == ups("worker") == 2)
    after = {name: supervisor[name].child.pid for name in before}
    assert {name for name in before if before[name] == after[name]} == {"prometheus"}
