"""One password is hashed at a time, few requests wait for it, and guessers do not wait at all."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.contrib.auth import hashers
from django.contrib.auth.hashers import check_password, make_password

from shop.accounts import hashing
from shop.accounts.current_request import CurrentRequestMiddleware
from shop.accounts.limits import Busy
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("hashers_of_the_shop")
STORED = "pbkdf2_sha256$1$salt$z3yRYCvhs2YQuzOLp7LJNDAfdo8RA2zzyTNzN4HSTcg="


@pytest.fixture
def hashes(monkeypatch):
    """Django's hasher, which waits until the test lets it go on."""
    held = Hashes()
    monkeypatch.setattr(hashing, "_waiting_room", hashing.WaitingRoom())  # no waits of other tests
    monkeypatch.setattr(hashers.PBKDF2PasswordHasher, "encode", held.encode)
    yield held
    held.go_on.set()


class Hashes:
    def __init__(self) -> None:
        self.at_once, self.most, self.go_on = 0, 0, threading.Event()
        self._lock = threading.Lock()

    def encode(self, *_: object) -> str:
        with self._lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        assert self.go_on.wait(20)
        with self._lock:
            self.at_once -= 1
        return STORED


def in_a_request(rf, *, may_wait: bool = True) -> str:
    """Check a password in a request; tell what became of it."""

    def view(_: object) -> str:
        try:
            if may_wait:
                check_password("wrong", STORED)
            else:
                with hashing.without_waiting():
                    check_password("wrong", STORED)
        except Busy:
            return "busy"
        return "done"

    return CurrentRequestMiddleware(view)(rf.get("/"))


def test_one_password_is_hashed_at_a_time_and_one_request_waits(rf, hashes):
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(in_a_request, rf)
        eventually(lambda: hashes.at_once)
        others = [pool.submit(in_a_request, rf) for _ in range(7)]
        eventually(lambda: sum(other.done() for other in others) == 6)
        assert [other.result() for other in others if other.done()] == ["busy"] * 6
        hashes.go_on.set()
        assert [first.result(), *sorted(other.result() for other in others)] == [
            "done",
            *["busy"] * 6,
            "done",
        ]
    assert hashes.most == 1


def test_a_guesser_does_not_wait(rf, hashes):
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(in_a_request, rf)
        eventually(lambda: hashes.at_once)
        guesser = pool.submit(in_a_request, rf, may_wait=False)
        try:
            # A request that waits is refused after TURN_TIMEOUT.
            eventually(guesser.done, within=hashing.TURN_TIMEOUT / 2)
        finally:
            hashes.go_on.set()
        assert (first.result(), guesser.result()) == ("done", "busy")


def test_whoever_waits_too_long_is_refused(rf, hashes, monkeypatch):
    monkeypatch.setattr(hashing, "TURN_TIMEOUT", 0.01)
    monkeypatch.setattr(hashing, "PAUSE_FACTOR", 0)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(in_a_request, rf)
        eventually(lambda: hashes.at_once)
        assert in_a_request(rf) == "busy"
        hashes.go_on.set()
        first.result()
    assert in_a_request(rf) == "done"  # the place in the queue is free again


def test_requests_wait_for_a_fraction_of_the_time(rf, hashes, monkeypatch):
    monkeypatch.setattr(hashing, "PAUSE_FACTOR", 1_000_000)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(in_a_request, rf)
        eventually(lambda: hashes.at_once)
        monkeypatch.setattr(hashing, "TURN_TIMEOUT", 0.01)
        assert in_a_request(rf) == "busy"  # after a wait
        monkeypatch.setattr(hashing, "TURN_TIMEOUT", 20)
        assert in_a_request(rf) == "busy"  # without one
        hashes.go_on.set()
        assert first.result() == "done"


def test_commands_wait_as_long_as_it_takes(rf, hashes):
    with ThreadPoolExecutor(8) as pool:
        made = [pool.submit(make_password, "correct horse") for _ in range(8)]
        eventually(lambda: hashes.at_once)
        hashes.go_on.set()
        assert [one.result() for one in made] == [STORED] * 8
    assert hashes.most == 1


def test_the_hashes_are_those_of_django(monkeypatch):
    monkeypatch.setattr(hashers.PBKDF2PasswordHasher, "iterations", 1)
    plain = hashers.PBKDF2PasswordHasher().encode("correct horse", "salt")
    assert make_password("correct horse", "salt") == plain
    assert check_password("correct horse", plain)
    assert not check_password("battery staple", plain)
    assert settings.PASSWORD_HASHERS == ["shop.accounts.hashing.OneAtATimeHasher"]
