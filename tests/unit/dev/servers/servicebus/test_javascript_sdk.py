"""The stand-in as Microsoft's SDK for JavaScript sees it: it tells more of the protocol's faults."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.paths import VAR
from tests.support.servers import in_ci

PACKAGE = "@azure/service-bus@7.9.5"
PROGRAM = Path(__file__).with_name("javascript.mjs")


@pytest.fixture(scope="module")
def node_home() -> Path:
    """Folder with the SDK, fetched from npm."""
    if "SHOP_TEST_LONG" not in os.environ:
        pytest.skip("it fetches an SDK from npm: script/test --long")
    if not (npm := shutil.which("npm")):
        (pytest.fail if in_ci() else pytest.skip)("there is no node and npm here: install nodejs and npm")
    home = VAR / "node"
    home.mkdir(parents=True, exist_ok=True)
    subprocess.run([npm, "install", "--no-save", "--prefix", home, PACKAGE], check=True, capture_output=True)
    return home


def test_the_sdk_for_javascript_sends_receives_and_settles(node_home, connection_string):
    program = shutil.copy(PROGRAM, node_home)  # where node finds the SDK
    run = subprocess.run(
        ["node", program, connection_string], capture_output=True, encoding="utf-8", timeout=60, check=False
    )

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == {
        "completed": ["1"],
        "again": [["3", 1]],
        "dead": [["5", "Unreadable", "odd"]],
        "renewed": True,
        "session": "red",
        "ordered": ["a", "b", "c"],
    }
