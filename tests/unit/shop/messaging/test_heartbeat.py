"""Heartbeats of loops, and the script that reads them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dev.paths import ROOT
from shop.celery import app
from shop.messaging import heartbeat
from shop.messaging.bus.reaching import addresses
from shop.messaging.heartbeat import Heartbeat
from shop.messaging.worker.scheduler import ShopScheduler


def probed(folder: Path | str) -> tuple[int, str]:
    argv = [sys.executable, "-P", str(ROOT / "shop" / "messaging" / "heartbeat.py")]
    env = {**os.environ, heartbeat.FOLDER: str(folder)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout


def test_a_loop_that_beats_is_alive_and_one_that_has_stopped_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv(heartbeat.FOLDER, str(tmp_path))
    Heartbeat("worker").beat()
    assert probed(tmp_path) == (0, "alive\n")

    (tmp_path / "relay").touch()
    long_ago = time.time() - heartbeat.MAX_AGE - 5
    os.utime(tmp_path / "relay", (long_ago, long_ago))
    code, text = probed(tmp_path)
    assert code == 1
    assert "relay has not moved for 35 s" in text
    assert "worker" not in text


def test_a_process_that_has_not_begun_is_not_alive(tmp_path):
    code, text = probed(tmp_path)
    assert code == 1
    assert text.startswith(f"There is no heartbeat in {tmp_path}")
    code, text = probed("")
    assert code == 1
    assert text.startswith("SHOP_HEARTBEAT_DIR is not set")


def test_a_heartbeat_is_written_once_a_second_at_most_and_a_full_disk_ends_no_loop(tmp_path, monkeypatch):
    monkeypatch.setenv(heartbeat.FOLDER, str(tmp_path))
    beats = Heartbeat("worker")
    beats.beat()
    (tmp_path / "worker").unlink()
    beats.beat()
    assert not (tmp_path / "worker").exists()

    monkeypatch.setenv(heartbeat.FOLDER, str(tmp_path / "gone"))
    Heartbeat("worker").beat()


def test_the_scheduler_beats_and_looks_often_enough(tmp_path, monkeypatch):
    monkeypatch.setenv(heartbeat.FOLDER, str(tmp_path))
    scheduler = ShopScheduler(app, schedule_filename=str(tmp_path / "schedule"))
    monkeypatch.setattr(scheduler, "_heartbeat", Heartbeat("beat"))
    scheduler._heap = []
    scheduler.old_schedulers = scheduler.schedule

    assert 0 < scheduler.tick() <= heartbeat.MAX_AGE / 2
    assert (tmp_path / "beat").exists()
    scheduler.close()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("kafka://shop:secret@kafka-1:9092,[::1]:9093/shop?a=b", [("kafka-1", 9092), ("::1", 9093)]),
        ("Endpoint=sb://shop.example.com/;SharedAccessKey=b=", [("shop.example.com", 5671)]),
    ],
)
def test_the_servers_of_an_event_bus_are_found_in_its_address(url, expected):
    assert addresses(url) == expected
