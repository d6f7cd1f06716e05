"""Run of ``script/drill``: restores by the runbook, after which all books agree."""

import os
import sys
from pathlib import Path

import pytest

from dev.processes import children
from tests.faults.seeds import LONG

ARGUMENTS = ("--backup", "all", "--broker", "all")


@pytest.mark.skipif(not LONG, reason="four restores take ten minutes: script/test --long")
@pytest.mark.timeout(1200)
def test_a_shop_that_lost_its_database_is_restored_by_the_runbook(amqp_url: str, tmp_path: Path) -> None:
    log = tmp_path / "drill.log"
    run = children.start_child([sys.executable, "-m", "dev.drill", *ARGUMENTS], env=os.environ, log=log)
    try:
        code = run.wait()
    finally:
        children.kill_child(run)
    assert code == 0, log.read_text()[-3000:]
