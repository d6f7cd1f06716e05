"""Short run of ``script/drill``: a restore by the runbook, after which all books agree. --long: all of it."""

import os
import sys
from pathlib import Path

import pytest

from dev.processes import children

SHORT = ("--backup", "pg_dump", "--broker", "newer", "--seconds", "2", "--seed", "20")
LONG = ("--backup", "all", "--broker", "all")


@pytest.mark.timeout(1200)
def test_a_shop_that_lost_its_database_is_restored_by_the_runbook(amqp_url: str, tmp_path: Path) -> None:
    log = tmp_path / "drill.log"
    arguments = LONG if os.environ.get("SHOP_TEST_LONG") else SHORT
    run = children.start_child([sys.executable, "-m", "dev.drill", *arguments], env=os.environ, log=log)
    try:
        code = run.wait()
    finally:
        children.kill_child(run)
    assert code == 0, log.read_text()[-3000:]
