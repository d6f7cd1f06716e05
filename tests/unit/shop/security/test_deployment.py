"""Configuration of a deployment, as processes read it from their environment."""

import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command

from dev.processes import children
from tests.support import forks

#: Environment of a proper deployment. Class names stand in for providers that a shop adds.
PROPER = {
    "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
    "DJANGO_ALLOWED_HOSTS": "shop.example.com",
    "DJANGO_HTTPS": "1",
    "DATABASE_URL": "postgresql://shop@db/shop",
    "SHOP_ADMIN_DATABASE_URL": "postgresql://owner@db/shop",
    "CELERY_BROKER_URL": "amqp://shop@mq//",
    "EMAIL_BACKEND": "notifications.smtp.EmailBackend",
    "SHOP_URL": "https://shop.example.com",
    "SHOP_PAYMENT_GATEWAY": "tests.unit.shop.security.providers.Gateway",
    "SHOP_CARRIER": "tests.unit.shop.security.providers.Carrier",
}


def run(code: str, **changes: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "SHOP_"))}
    env = {**own, **PROPER, **changes, "DJANGO_SETTINGS_MODULE": "shop.settings"}
    return forks.run([sys.executable, "-c", code], env=env)


CHECK = (
    "from django.core.management import execute_from_command_line as run;"
    "run(['manage.py', 'check', '--deploy', '--fail-level', 'WARNING'])"
)


def test_a_proper_deployment_has_no_finding():
    done = run(CHECK)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_what_only_a_demonstration_may_do_is_an_error_of_a_deployment():
    done = run(
        CHECK.replace("WARNING", "ERROR"),
        EMAIL_BACKEND="notifications.mail_files.EmailBackend",
        SHOP_PAYMENT_GATEWAY="payments.simulator.gateway.SimulatedGateway",
        SHOP_CARRIER="shipping.simulator.carrier.SimulatedCarrier",
        DJANGO_DEBUG="1",
        SHOP_ADMIN_DATABASE_URL="",
        SHOP_URL="",
    )
    assert done.returncode != 0
    for finding in ("E101", "E102", "E103", "E104", "W101", "W102"):
        assert f"(security.{finding})" in done.stderr


@pytest.mark.parametrize(
    "key", ["", "too-short", "a" * 60, "insecure-key-for-tests-and-tools-only"], ids=lambda key: key or "none"
)
@pytest.mark.parametrize(
    "program", ["import shop.wsgi", "import django; django.setup()"], ids=["web", "commands and workers"]
)
def test_nothing_starts_with_a_weak_secret_key(program, key):
    done = run(program, DJANGO_SECRET_KEY=key)
    assert done.returncode != 0
    assert "Set DJANGO_SECRET_KEY to a random value" in done.stderr


def test_the_known_secret_key_is_refused_among_the_former_ones():
    assert run("import shop.wsgi").returncode == 0
    assert run(
        "import shop.wsgi", DJANGO_SECRET_KEY_FALLBACKS="insecure-key-for-tests-and-tools-only"
    ).returncode


def test_debug_needs_no_secret_key_on_local_hosts_alone():
    debug = {"DJANGO_DEBUG": "1", "DJANGO_SECRET_KEY": "any"}
    assert run("import shop.wsgi", **debug, DJANGO_ALLOWED_HOSTS="localhost").returncode == 0
    assert run("import shop.wsgi", **debug, DJANGO_ALLOWED_HOSTS="localhost,shop.example.com").returncode


def test_cookies_and_transport_are_closed_under_https():
    names = [
        *("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"),
        *("SESSION_COOKIE_HTTPONLY", "CSRF_COOKIE_HTTPONLY", "SECURE_SSL_REDIRECT"),
        *("SECURE_HSTS_INCLUDE_SUBDOMAINS", "SECURE_HSTS_PRELOAD"),
    ]
    code = f"from django.conf import settings; print([getattr(settings, name) for name in {names}])"

    assert run(code).stdout.strip() == str(["__Host-sessionid", "__Host-csrftoken", *[True] * 6, False])
    assert "True, True]" in run(code, SHOP_HSTS_PRELOAD="1").stdout


def test_demonstration_accounts_are_made_only_on_request(db):
    with pytest.raises(CommandError, match="say --demo"):
        call_command("seed")


def test_mail_files_are_for_their_owner_alone(settings, tmp_path):
    before = os.umask(0o022)
    try:
        settings.EMAIL_BACKEND = "notifications.mail_files.EmailBackend"
        settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
        EmailMessage("Your order", "Ada Lovelace", to=["ada@example.com"]).send()
    finally:
        os.umask(before)
    [file] = (tmp_path / "mail").iterdir()
    assert modes(tmp_path / "mail", file) == [0o700, 0o600]


def test_logs_of_the_shop_and_what_it_writes_are_for_their_owner_alone(tmp_path):
    log, written = tmp_path / "log" / "web.log", tmp_path / "written"
    log.parent.mkdir()
    log.touch(0o644)  # of a former version
    child = children.start_child(["touch", written], env={}, log=log)
    assert child.wait() == 0
    assert modes(log, written) == [0o600, 0o600]


def modes(*paths: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in paths]
