"""Counters in a real Redis. Skipped where its client or its server is not installed."""

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shop.accounts import counters
from tests.support.waiting import eventually

pytest.importorskip("redis", reason="pip install redis")
SERVER = shutil.which("redis-server") or pytest.skip("there is no redis-server", allow_module_level=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Redis on a socket in a folder of the test."""
    options = ["--port", "0", "--unixsocket", str(tmp_path / "redis"), "--dir", str(tmp_path), "--save", ""]
    process = subprocess.Popen([SERVER, *options], stdout=subprocess.DEVNULL)
    eventually((tmp_path / "redis").exists)
    yield process
    process.kill()
    process.wait()


@pytest.fixture(autouse=True)
def _in_redis(server, settings, tmp_path) -> None:
    settings.SHOP_CACHE_URL = f"unix://{tmp_path / 'redis'}"


def test_no_request_of_another_thread_is_lost():
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: counters.count("test", "a", seconds=60).number, range(200)))
    assert sorted(numbers) == list(range(1, 201))


def test_a_window_ends_and_does_not_move_with_its_requests():
    lefts = [counters.count("test", "a", seconds=1).seconds_left for _ in range(3)]
    assert sorted(lefts, reverse=True) == lefts
    assert 0 < lefts[0] <= 1
    eventually(lambda: counters.count("test", "a", seconds=1).number == 1)


def test_what_is_given_back_is_not_counted_and_revives_no_window():
    counters.count("test", "a", seconds=60)
    counters.give_back("test", "a")
    counters.give_back("test", "b")
    assert counters.count("test", "a", seconds=60).number == 1
    assert counters.count("test", "b", seconds=60).seconds_left > 50


def test_an_outage_refuses_nobody(server, caplog):
    counters.count("test", "a", seconds=60)
    server.kill()
    server.wait()
    assert counters.count("test", "a", seconds=60).number == 0
    counters.give_back("test", "a")
    assert "requests are not counted" in caplog.text
