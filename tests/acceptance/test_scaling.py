"""Run of ``script/scale``: workers come and go by the depth of their queues, and nothing is lost."""

import json
import os
import sys
from pathlib import Path

import pytest

from dev.processes import children
from tests.faults.seeds import LONG

#: Workers that the run has to reach.
MOST = 4


@pytest.mark.skipif(not LONG, reason="ten thousand orders take minutes: script/test --long")
@pytest.mark.timeout(1800)
def test_workers_follow_the_queues_and_nothing_is_lost(amqp_url: str, tmp_path: Path) -> None:
    found, log = tmp_path / "scale.json", tmp_path / "scale.log"
    argv = [sys.executable, "-m", "dev.scale", "--json", str(found)]
    run = children.start_child(argv, env=os.environ, log=log)
    try:
        code = run.wait()
    finally:
        children.kill_child(run)

    assert code == 0, log.read_text()[-2000:]
    report = json.loads(found.read_text())
    samples = report["samples"]
    assert (samples[0]["workers"], samples[-1]["workers"]) == (1, 1)
    assert max(sample["workers"] for sample in samples) == MOST
    assert report["started"] == report["stopped"] + 1, "each that came has gone again by itself"
    assert (report["killed"], report["wrong"]) == (0, [])
    assert samples[-1]["accepted"] == samples[-1]["shipped"] == report["accepted"]
    assert all(report["cost"]["cpu"][stage] > 0 for stage in ("web", "relay", "workers", "PostgreSQL"))
