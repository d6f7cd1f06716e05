"""The stand-in as Microsoft's SDK for JavaScript sees it: it tells more of the protocol's faults."""

import json
import shutil
import subprocess
from pathlib import Path

from tests.support import npm

PACKAGE = "@azure/service-bus@7.9.5"
PROGRAM = Path(__file__).with_name("javascript.mjs")


def test_the_sdk_for_javascript_sends_receives_and_settles(connection_string):
    program = shutil.copy(PROGRAM, npm.folder_with(PACKAGE))  # where node finds the SDK
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
