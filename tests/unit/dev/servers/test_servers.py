"""Private servers beside other programs: ports, locks, and error messages."""

import os
import socket
import subprocess
import sys

import pytest

from dev.errors import AlreadyRunning, NotReachable, PortTaken, ScriptError
from dev.paths import ROOT
from dev.processes import ports
from dev.run import command
from dev.servers import ownership
from dev.servers.infrastructure import (
    KAFKA,
    Infrastructure,
    check_broker,
    check_database,
    without_password,
)


@pytest.fixture
def taken_port():
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_taken_port_is_an_error_that_names_the_remedy(taken_port):
    with pytest.raises(PortTaken, match=f"port {taken_port} is taken: .* --port"):
        ports.claim(taken_port)


def test_script_run_refuses_a_taken_port_before_it_starts_anything(taken_port, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "VAR", tmp_path)

    with pytest.raises(PortTaken):
        command.main(["--port", str(taken_port)])
    assert [path.name for path in tmp_path.iterdir()] == ["run.lock"]


def test_an_error_is_one_line_and_exit_code_2():
    code = (
        "from dev.console import run_command; from dev.errors import PortTaken\n"
        "def main(arguments): raise PortTaken(8000)\n"
        "run_command('run', main)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == (
        "script/run: port 8000 is taken: stop what listens there, or choose another with --port.\n"
    )


def test_servers_take_another_port_if_theirs_is_taken(taken_port):
    assert ports.pick(taken_port) != taken_port


def test_a_free_port_is_kept():
    free = ports.pick(27000)
    assert ports.claim(free) == ports.pick(free) == free


def test_one_checkout_runs_a_command_once_at_a_time(tmp_path):
    with (
        ownership.hold_lock(tmp_path / "run.lock", "script/run"),
        pytest.raises(AlreadyRunning, match="script/run runs in this checkout already"),
    ):
        ownership.hold_lock(tmp_path / "run.lock", "script/run")
    ownership.hold_lock(tmp_path / "run.lock", "script/run").close()


def test_a_number_that_another_program_has_now_is_nobody_to_wait_for(tmp_path):
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{tmp_path}\n")

    ownership.wait_for_predecessor(pid_file, str(tmp_path / "data"), timeout=0)


def test_a_predecessor_that_does_not_end_is_named(tmp_path):
    argv = [sys.executable, "-c", "print(flush=True); input()", str(tmp_path)]
    predecessor = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert predecessor.stdout
    predecessor.stdout.readline()  # now it runs
    (tmp_path / "pid").write_text(str(predecessor.pid))
    try:
        with pytest.raises(ScriptError, match=f"process {predecessor.pid} still uses"):
            ownership.wait_for_predecessor(tmp_path / "pid", str(tmp_path), timeout=0.2)
    finally:
        predecessor.communicate(b"go\n")


def test_a_database_that_does_not_answer_is_named_without_its_password():
    nowhere = f"postgresql://postgres:secret@127.0.0.1:{ports.pick(27500)}/shop"

    with pytest.raises(NotReachable, match=r"DATABASE_URL names .* does not answer .*Start it") as caught:
        check_database(nowhere)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["amqp", "pgmq", "nonsense"])
def test_a_broker_that_does_not_answer_is_named_without_its_password(scheme):
    nowhere = f"{scheme}://shop:secret@127.0.0.1:{ports.pick(27500)}/shop"

    with pytest.raises(NotReachable, match=r"CELERY_BROKER_URL names .* does not answer") as caught:
        check_broker(nowhere)
    assert "secret" not in str(caught.value)


def test_all_nodes_passwords_are_hidden():
    both = "amqp://a:one@rabbit1//;amqp://b:two@rabbit2//"

    assert without_password(both) == "amqp://a:***@rabbit1//;amqp://b:***@rabbit2//"


def test_an_event_bus_that_the_environment_names_is_used_in_place_of_a_private_one():
    given = {"DATABASE_URL": "postgresql://db/shop", "CELERY_BROKER_URL": "pgmq://db/broker"}

    assert "Tansu" in Infrastructure("unused", event_bus=KAFKA, given=given).notice
    named = Infrastructure("unused", event_bus=KAFKA, given=given | {"SHOP_EVENT_BUS": "kafka://k:9092"})
    assert (named.notice, named.event_bus_url) == ("", "kafka://k:9092")
