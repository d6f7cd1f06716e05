"""Failpoints: all are in the code, exactly one process dies at an armed one, and they are inert otherwise."""

import re
import signal
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

from payments.gateway import Gateway
from shipping.carrier import Carrier
from shop.messaging import failpoints
from shop.messaging.failpoints import Point, points, reach
from shop.messaging.providers import Calls
from tests.support import forks

ROOT = Path(__file__).resolve().parents[4]
KERNEL = [f for f in (ROOT / "shop" / "messaging").rglob("*.py") if f.name != "failpoints.py"]
#: Calls with nothing to commit afterwards: those of audits, and erasures, which are repeated until done; and
#: those that only read.
WITHOUT_POINTS = {
    *("ledger", "labels", "forget", "paper", "key_of"),
    *("find_order", "find_disputes", "notices_since"),  # they only look
}
REACH_IT = "from shop.messaging.failpoints import reach; reach('relay.publish.after'); print('alive')"


def reach_in_a_process(folder: Path | None) -> "subprocess.CompletedProcess[str]":
    env = {failpoints.VARIABLE: str(folder)} if folder else {}
    return forks.run([sys.executable, "-c", REACH_IT], env=env)


def test_every_point_of_the_kernel_is_reached_by_its_code():
    used = {name for file in KERNEL for name in re.findall(r"Point\.([A-Z_]+)", file.read_text())}
    assert used == set(Point.__members__)


@pytest.mark.parametrize(("port", "name"), [(Gateway, "gateway"), (Carrier, "carrier")])
def test_every_call_of_a_port_has_a_point_on_either_side(port: type, name: str):
    calls = {member for member, value in vars(port).items() if isinstance(value, FunctionType)}
    calls = {call for call in calls if not call.startswith("_")} - WITHOUT_POINTS
    expected = {f"{name}.{call}.{side}" for call in calls for side in ("before", "after")}
    assert {point for point in points() if point.startswith(f"{name}.")} == expected


def test_who_reaches_an_armed_point_is_killed_and_the_next_one_is_not(tmp_path: Path):
    (tmp_path / "relay.publish.after").touch()

    first, second = reach_in_a_process(tmp_path), reach_in_a_process(tmp_path)
    assert first.returncode == -signal.SIGKILL
    assert not list(tmp_path.iterdir())
    assert second.stdout == "alive\n"
    assert failpoints.VARIABLE in second.stderr, "it is said that processes may die"


def test_other_points_than_the_armed_one_are_passed(tmp_path: Path):
    (tmp_path / "relay.publish.before").touch()
    assert reach_in_a_process(tmp_path).stdout == "alive\n"


def test_without_the_variable_nothing_is_looked_at():
    done = reach_in_a_process(None)
    assert (done.stdout, done.stderr) == ("alive\n", "")
    assert reach is failpoints._do_nothing  # nothing public shows that no file is looked up
    provider = object()
    assert Calls("nobody").watch(provider) is provider
