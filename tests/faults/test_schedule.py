"""`script/faults` for a short while: many faults at once, under load, and nothing is lost or wrong."""

import os
import re
import sys
from pathlib import Path

import pytest

from script.support import children

#: With it, seventeen faults hit nearly every part of the shop and of what it stands on.
SEED = 8671


@pytest.mark.timeout(400)
def test_many_faults_at_once_lose_no_order(amqp_url: str, tmp_path: Path) -> None:
    log = tmp_path / "faults.log"
    argv = [sys.executable, "-m", "script.support.faults", "--seed", str(SEED), "--minutes", "1.25"]
    run = children.start_child(argv, env=os.environ, log=log)
    try:
        code = run.wait()
    finally:
        children.kill_child(run)
    text = log.read_text()
    print(text)

    assert code == 0
    assert int(re.search(r"Orders accepted: (\d+)", text)[1]) > 20
    assert int(re.search(r"Faults injected: (\d+)", text)[1]) > 12
    assert "could not" not in text
