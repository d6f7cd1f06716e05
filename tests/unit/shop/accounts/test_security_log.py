"""The security log tells who came in, who was refused and who changed rights, and no secret and no name."""

import logging
import logging.config
import os
import re
import stat

import pytest
from django.contrib.auth.models import Group, Permission, User

from shop.accounts.security_log import MAX_LENGTH, record
from shop.accounts.settings import security_logging

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada@example.com", "ada@example.com", "correct horse")


@pytest.fixture
def olga() -> User:
    return User.objects.create_superuser("olga", password="battery staple")


def log_in(client, name, password, door="/accounts/login/"):
    given = {"username": name, "password": password}
    kind = {"content_type": "application/json"} if door == "/api/v1/token" else {}
    return client.post(door, given, REMOTE_ADDR="192.0.2.7", **kind)


@pytest.mark.parametrize("door", ["/accounts/login/", "/admin/login/", "/api/auth/login/"])
def test_logins_and_logouts_are_recorded_with_account_and_address(client, olga, security_log, door):
    log_in(client, "olga", "battery staple", door)
    client.post("/accounts/logout/", REMOTE_ADDR="192.0.2.7")
    assert security_log()[-2:] == [
        f'logged_in user={olga.pk} address="192.0.2.7" path="{door}"',
        f'logged_out user={olga.pk} address="192.0.2.7" path="/accounts/logout/"',
    ]


@pytest.mark.parametrize("door", ["/accounts/login/", "/admin/login/", "/api/auth/login/", "/api/v1/token"])
def test_failures_are_recorded_at_every_door(client, ada, security_log, door):
    log_in(client, "ada@example.com", "wrong", door)
    (line,) = (line for line in security_log() if line.startswith("login_failed"))
    assert line == f'login_failed user={ada.pk} address="192.0.2.7" path="{door}"'


def test_neither_names_nor_passwords_are_recorded(client, ada, security_log):
    log_in(client, "ada@example.com", "wrong horse")
    log_in(client, "correct horse", "correct horse")  # the password in the wrong field
    text = "\n".join(security_log())
    assert 'account="unknown"' in text
    assert not re.search("horse|ada", text)


def test_a_value_cannot_forge_an_entry(security_log):
    record("key_created", key_name='x"\nlogged_in user=1\u2028\x1b[2J' + "y" * 1000)
    (line,) = security_log()
    assert line.isprintable()
    assert line.isascii()
    assert len(line) < MAX_LENGTH + 150
    assert r"x\"\nlogged_in" in line


@pytest.mark.parametrize(
    "name", ["password", "token", "key", "api_key", "client_secret", "otp_code", "Cookie"]
)
def test_secrets_are_left_out(security_log, name):
    record("key_created", key_id="a1b2", **{name: "s3cret"})
    assert "a1b2" in security_log()[0]
    assert "s3cret" not in security_log()[0]


def test_who_changes_rights_in_the_admin_is_recorded(client, ada, olga, security_log):
    support = Group.objects.create(name="Desk")
    permission = Permission.objects.get(codename="view_order")
    client.force_login(olga)
    page = f"/admin/auth/user/{ada.pk}/change/"
    form = {"username": ada.username, "email": ada.email, "is_active": "on", "is_staff": "on"}
    form |= {"groups": [support.pk], "user_permissions": [permission.pk]}
    form |= {"date_joined_0": "2026-11-28", "date_joined_1": "10:00:00"}
    assert client.post(page, form).status_code == 302
    who = f'user={ada.pk} by={olga.pk} address="127.0.0.1" path="{page}"'
    assert [line for line in security_log() if f"user={ada.pk} " in line and "created" not in line] == [
        f"account_changed {who} is_staff=true",
        f'rights_added {who} rights="Desk"',
        f'rights_added {who} rights="{permission}"',
    ]


def test_rights_changed_in_code_are_recorded_from_both_sides(ada, security_log):
    support = Group.objects.create(name="Desk")
    permission = Permission.objects.get(codename="view_order")
    support.permissions.add(permission)
    support.user_set.add(ada)
    ada.groups.clear()
    support.permissions.clear()
    system = 'by="the system"'
    assert security_log()[-4:] == [
        f'rights_added {system} rights="{permission}" group="Desk"',
        f'rights_added user={ada.pk} {system} rights="Desk"',
        f'rights_removed user={ada.pk} {system} rights="Desk"',
        f'rights_removed {system} rights="{permission}" group="Desk"',
    ]


def test_a_login_does_not_ask_for_flags_that_it_does_not_write(ada, django_assert_num_queries):
    with django_assert_num_queries(1):
        ada.save(update_fields=["last_login"])


def test_accounts_made_and_deleted_are_recorded(security_log):
    eve = User.objects.create_user("eve", is_staff=True)
    key = eve.pk
    eve.delete()
    assert security_log() == [
        f'account_created user={key} by="the system" is_staff=true',
        f'account_deleted user={key} by="the system"',
    ]


@pytest.fixture
def file_log(tmp_path):
    """A logger with the handler of the security log, in a file."""
    file = tmp_path / "security.log"
    config = security_logging(str(file))
    config["loggers"] = {"tests.security": config["loggers"]["shop.security"]}
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, **config})
    logger = logging.getLogger("tests.security")
    yield logger, file
    for handler in logger.handlers:
        handler.close()
    logger.handlers.clear()


def test_the_file_belongs_to_its_owner_alone_and_outlives_a_rotation(file_log):
    logger, file = file_log
    before = os.umask(0)
    try:
        logger.info("one")
        file.rename(file.with_suffix(".1"))
        logger.info("two")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.with_suffix(".1").read_text().endswith("one\n")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00 INFO tests.security: two\n", file.read_text())
