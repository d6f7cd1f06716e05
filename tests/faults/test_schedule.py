"""Short run of ``script/faults``: many faults under load, and no order is lost or wrong."""

import contextlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dev.faults.catalogue import all_kinds
from dev.faults.schedule import draw
from dev.processes import children
from tests.faults.seeds import seeds

#: With them, seventeen faults hit every part of the shop and of its servers.
SEED, MINUTES = 411, 1.25
#: Seconds for a run on a busy machine: the schedule, and all that takes its time to come to rest.
DEADLINE = 600.0


def test_the_seed_hits_every_part() -> None:
    kinds = all_kinds()
    struck = [strike.kind for strike in draw(SEED, 60 * MINUTES, kinds)]
    assert len(struck) == 17
    assert {kind.target for kind in struck} == {kind.target for kind in kinds}
    assert {kind.name for kind in struck} >= {"gateway refuses refunds", "mail postponed", "queue unbound"}
    assert {kind.name for kind in struck} >= {"receiver hangs", "receiver redirects"}


@pytest.mark.timeout(700)
@pytest.mark.parametrize("seed", seeds(SEED, further=8))
def test_many_faults_at_once_lose_no_order(amqp_url: str, tmp_path: Path, seed: int) -> None:
    log = tmp_path / "faults.log"
    argv = [sys.executable, "-m", "dev.faults", "--seed", str(seed), "--minutes", str(MINUTES)]
    run = children.start_child(argv, env=os.environ, log=log)
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(timeout=DEADLINE)
    finally:
        children.kill_child(run)
    text = log.read_text()

    assert run.returncode == 0, text[-3000:]
    assert int(re.search(r"Orders accepted: (\d+)", text)[1]) > 20
    planned = len(draw(seed, 60 * MINUTES, all_kinds()))
    assert int(re.search(r"Faults injected: (\d+)", text)[1]) > 0.7 * planned
    assert "could not" not in text
