"""Guessers wait, longer each time, at all doors together; the account's owner comes in from elsewhere."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.contrib.auth import authenticate, hashers
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import F
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from shop.accounts import failed_logins
from shop.accounts.limits import Refusal, TooManyRequests
from shop.accounts.models import FailedLogin, RequestCount
from shop.accounts.tasks import prune_counters

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("hashers_of_the_shop")]

GUESSER, OWNER = "192.0.2.66", "198.51.100.7"
DOORS = ["/accounts/login/", "/admin/login/", "/api/auth/login/", "/api/v1/token"]
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def hashed(monkeypatch):
    """Number of hashes so far, of the real hasher with few rounds."""
    done = []
    encode = hashers.PBKDF2PasswordHasher.encode
    monkeypatch.setattr(
        hashers.PBKDF2PasswordHasher,
        "encode",
        lambda self, password, salt, iterations=None: (
            done.append(password) or encode(self, password, salt, 1)
        ),
    )
    monkeypatch.setattr(hashers.PBKDF2PasswordHasher, "iterations", 1)
    return done


@pytest.fixture
def olga() -> User:
    """An operator, who may come in at each door."""
    return User.objects.create_superuser("olga", password=PASSWORD)


def knock(door: str, password: str, *, name: str = "olga", address: str = GUESSER, **headers: str):
    """Give a password at a door; a client of its own each time."""
    kind = {"content_type": "application/json"} if door.endswith("token") else {}
    return Client().post(
        door, {"username": name, "password": password}, REMOTE_ADDR=address, headers=headers, **kind
    )


def is_in(response) -> bool:
    return response.status_code == 302 or (response.status_code == 200 and b"token" in response.content[:10])


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("spelling", ["Anna@Example.com", "anna@example.com", "ANNA@EXAMPLE.COM"])
@pytest.mark.parametrize("account", [("Anna@Example.com", ""), ("anna", "Anna@example.com")])
def test_an_email_address_logs_in_in_any_spelling(door, spelling, account):
    User.objects.create_superuser(*account, password=PASSWORD)
    assert is_in(knock(door, PASSWORD, name=spelling))


@pytest.mark.parametrize("door", DOORS)
def test_an_address_of_two_accounts_logs_in_to_the_one_that_it_is_the_name_of(door):
    User.objects.create_superuser("anna", "anna@example.com", "another password")
    User.objects.create_superuser("anna@example.com", "anna@example.com", PASSWORD)
    assert is_in(knock(door, PASSWORD, name="anna@example.com"))
    assert not is_in(knock(door, PASSWORD, name="Anna@example.com"))


def test_spellings_of_an_address_give_no_further_attempts(olga):
    User.objects.create_superuser("anna", "anna@example.com", PASSWORD)
    for name in ("anna", "anna@example.com", "Anna@example.com", "ANNA@example.com", "anna@EXAMPLE.com"):
        knock(DOORS[0], "wrong", name=name)
    assert knock(DOORS[0], PASSWORD, name="anna").status_code == 429


def pass_time(seconds: float) -> None:
    """Move all that is counted into the past."""
    ago = timedelta(seconds=seconds)
    FailedLogin.objects.update(blocked_until=F("blocked_until") - ago, expires_at=F("expires_at") - ago)
    RequestCount.objects.update(expires_at=F("expires_at") - ago)


def test_180_wrong_passwords_at_four_doors_keep_the_guesser_out_and_let_the_owner_in(olga, hashed):
    hashed.clear()
    for n in range(180):
        assert not is_in(knock(DOORS[n % 4], f"guess {n}"))
    assert len(hashed) == failed_logins.FREE_FAILURES
    for door in DOORS:
        refused = knock(door, PASSWORD)
        assert refused.status_code == 429
        assert 0 < int(refused["Retry-After"]) <= failed_logins.FIRST_WAIT
        assert is_in(knock(door, PASSWORD, address=OWNER))


def test_a_refusal_says_how_long_to_wait_to_people_and_to_programs(olga):
    for n in range(failed_logins.FREE_FAILURES):
        knock(DOORS[0], f"guess {n}")
    page, problem = knock(DOORS[0], PASSWORD), knock(DOORS[3], PASSWORD)
    assert f"{page['Retry-After']} seconds" in page.content.decode()
    assert page["Cache-Control"] == "no-store"
    assert problem["Content-Type"] == "application/problem+json"
    assert problem.json()["code"] == "throttled"
    for response in (page, problem):
        assert response["RateLimit-Policy"] == '"login";q=5;w=60'
        assert re.fullmatch(r'"login";r=0;t=\d+', response["RateLimit"])


def test_the_waits_grow_to_an_hour_and_are_forgotten_after_a_day(olga):
    for n in range(failed_logins.FREE_FAILURES - 1):
        assert knock(DOORS[n % 4], "wrong").status_code != 429
    waits = []
    for n in range(8):
        assert knock(DOORS[n % 4], "wrong").status_code != 429
        waits.append(int(knock(DOORS[0], PASSWORD)["Retry-After"]))
        pass_time(waits[-1])
    assert waits == pytest.approx([60, 120, 240, 480, 960, 1920, 3600, 3600], abs=30)  # real time passes, too
    pass_time(failed_logins.MEMORY)
    assert knock(DOORS[0], "wrong").status_code == 200
    assert FailedLogin.objects.get().failures == 1


@pytest.mark.parametrize("page", ["/accounts/password/", "/admin/password_change/"])
def test_whoever_sits_before_an_open_session_does_not_guess_the_password(olga, hashed, page):
    thief = Client(REMOTE_ADDR=GUESSER)
    thief.force_login(olga)
    new = {"new_password1": "a new one, 1843", "new_password2": "a new one, 1843"}
    hashed.clear()
    answers = [thief.post(page, {"old_password": f"guess {n}", **new}) for n in range(20)]
    assert {answer.status_code for answer in answers[: failed_logins.FREE_FAILURES]} <= {200, 422}
    assert answers[-1].status_code == 429
    assert len(hashed) == failed_logins.FREE_FAILURES
    assert thief.post(page, {"old_password": PASSWORD, **new}).status_code == 429
    pass_time(failed_logins.FIRST_WAIT)
    assert thief.post(page, {"old_password": PASSWORD, **new}).status_code == 302
    olga.refresh_from_db()
    assert olga.check_password(new["new_password1"])


def test_a_right_password_ends_the_count(olga):
    for _ in range(3):
        for n in range(failed_logins.FREE_FAILURES - 1):
            knock(DOORS[n % 4], "wrong")
        assert is_in(knock(DOORS[0], PASSWORD))
    assert not FailedLogin.objects.exists()


def test_names_that_look_alike_are_one_account(olga):
    for name in ("olga", "OLGA", "Olga", "oLGA", "ｏｌｇａ"):
        knock(DOORS[1], "wrong", name=name)
    assert knock(DOORS[1], PASSWORD).status_code == 429


def test_many_accounts_from_one_address_are_refused_and_the_owner_is_not(olga, hashed, settings):
    settings.SHOP_LOGINS_AN_ADDRESS = 20
    hashed.clear()
    for n in range(60):
        knock(DOORS[n % 4], "password1", name=f"customer-{n}")
    assert len(hashed) == 20
    refused = knock(DOORS[3], PASSWORD)
    assert refused.status_code == 429
    assert 60 < int(refused["Retry-After"]) <= 15 * 60
    assert is_in(knock(DOORS[0], PASSWORD, address=OWNER))
    pass_time(15 * 60)
    assert is_in(knock(DOORS[0], PASSWORD))


def test_right_passwords_are_not_counted_for_the_address(olga, settings):
    settings.SHOP_LOGINS_AN_ADDRESS = 3
    for n in range(8):
        assert is_in(knock(DOORS[n % 4], PASSWORD))


def test_what_is_refused_for_one_account_does_not_count_for_the_address(olga, settings):
    settings.SHOP_LOGINS_AN_ADDRESS = 10
    for _ in range(30):
        knock(DOORS[0], "wrong")
    assert knock(DOORS[0], "wrong", name="bob").status_code == 200


def test_a_forged_address_gives_no_further_attempts(olga, hashed):
    hashed.clear()
    for n in range(20):
        knock(DOORS[n % 4], "wrong", **{"X-Forwarded-For": f"10.0.0.{n}"})
    assert len(hashed) == failed_logins.FREE_FAILURES
    assert knock(DOORS[0], PASSWORD, **{"X-Forwarded-For": OWNER}).status_code == 429


def test_a_neighbour_behind_the_same_proxy_is_not_locked_out(olga, settings):
    settings.SHOP_TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    for _ in range(10):
        knock(DOORS[0], "wrong", address="10.0.0.1", **{"X-Forwarded-For": GUESSER})
    right = {"address": "10.0.0.1", "password": PASSWORD}
    assert knock(DOORS[0], **right, **{"X-Forwarded-For": GUESSER}).status_code == 429
    assert is_in(knock(DOORS[0], **right, **{"X-Forwarded-For": OWNER}))


def test_an_unknown_name_takes_the_path_of_a_wrong_password(olga, hashed):
    answers, costs = [], []
    for name in ("olga", "nobody"):
        hashed.clear()
        with CaptureQueriesContext(connection) as sent:
            answers.append(knock(DOORS[3], "wrong", name=name).json())
        costs.append((len(hashed), len(sent)))
    assert answers[0] == answers[1]
    assert costs[0] == costs[1]


def test_lock_outs_are_recorded_once_and_not_each_refusal(olga, security_log, settings):
    settings.SHOP_LOGINS_AN_ADDRESS = 20
    for n in range(10):
        knock(DOORS[3], f"guess {n}")
    for n in range(30):
        knock(DOORS[3], "guess", name=f"customer-{n}")
    address = f'address="{GUESSER}" path="/api/v1/token"'
    locked = [line for line in security_log() if "locked_out" in line]
    assert [re.sub("wait=.*", "", line) for line in locked] == [
        f"locked_out user={olga.pk} {address} ",
        f"address_locked_out {address} ",
    ]
    assert len([line for line in security_log() if "login_failed" in line]) == 20


def test_the_counters_hold_neither_names_nor_addresses(olga, settings):
    """Nor a digest that anybody could make of a name or an address, to compare."""
    knock(DOORS[0], "wrong")
    settings.SECRET_KEY = "another secret key"
    knock(DOORS[0], "wrong")
    keys = {row.key.bytes for model in (FailedLogin, RequestCount) for row in model.objects.all()}
    assert len(keys) == 4
    assert not [key for key in keys if b"olga" in key or GUESSER[:7].encode() in key]


def test_counters_are_deleted_when_their_time_is_over(olga):
    knock(DOORS[0], "wrong")
    assert prune_counters() == {"pruned": 0}
    pass_time(failed_logins.MEMORY + 1)
    assert prune_counters() == {"pruned": 2}


def test_a_session_from_before_the_guard_goes_on(client, olga):
    client.force_login(olga, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/admin/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_attempts_at_the_same_moment_are_counted_like_attempts_in_a_row(olga, hashed):
    def guess(n: int) -> str:
        request = RequestFactory().post("/", REMOTE_ADDR=GUESSER)
        try:
            return "in" if authenticate(request, username="olga", password=f"guess {n}") else "wrong"
        except TooManyRequests:
            return "refused"
        finally:
            connection.close()

    hashed.clear()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(64)))
    assert sorted(answers) == ["refused"] * 59 + ["wrong"] * failed_logins.FREE_FAILURES
    assert len(hashed) == failed_logins.FREE_FAILURES


def test_the_backend_asks_no_other_one_after_a_wrong_password(olga, rf):
    request = rf.post("/", REMOTE_ADDR=GUESSER)
    assert authenticate(request, username="olga", password="wrong") is None
    assert FailedLogin.objects.get().failures == 1
    assert not issubclass(Refusal, PermissionDenied)  # which authenticate() would take for a wrong password
