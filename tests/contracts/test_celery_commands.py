"""Celery's own commands on the embedded broker: those that it does not offer say so in one line."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dev.processes import programs
from tests.support.servers import EmbeddedBroker, fresh_database


@pytest.fixture(scope="module")
def embedded_url(server_url: str) -> Iterator[str]:
    with fresh_database(server_url) as url:
        yield EmbeddedBroker(url).url


@pytest.mark.parametrize("command", ["inspect ping", "control shutdown", "status"])
def test_a_command_to_workers_is_refused_in_one_line_without_remote_control(embedded_url: str, command: str):
    env = programs.environment(database_url=os.environ["DATABASE_URL"], broker_url=embedded_url)
    argv = [sys.executable, "-W", "ignore", "-m", "celery", "-A", "shop", *command.split()]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=30, check=False)

    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert "on RabbitMQ alone" in done.stderr
