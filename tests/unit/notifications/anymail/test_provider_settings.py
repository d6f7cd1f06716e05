"""A provider of e-mail as a choice of the installation."""

import os
import subprocess
import sys

import pytest
from django.core.checks import run_checks

from dev.paths import ROOT

_SHOW = (
    "import sys, django; django.setup();"
    "from django.conf import settings; from django.core.mail import get_connection; get_connection();"
    "webhooks = [one for one in settings.SHOP_WEBHOOKS.items() if one[0] != 'simulator'];"
    "print(settings.EMAIL_BACKEND, 'anymail' in sys.modules, *webhooks)"
)


def shown(**environment):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("EMAIL_", "SHOP_MAIL_"))}
    env |= {"DJANGO_SETTINGS_MODULE": "shop.settings", "DJANGO_DEBUG": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", _SHOW], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split(maxsplit=2)


def test_without_a_provider_mail_goes_as_before_and_anymail_is_not_imported():
    assert shown() == ["notifications.mail_files.EmailBackend", "False"]
    assert shown(EMAIL_BACKEND="notifications.smtp.EmailBackend") == [
        "notifications.smtp.EmailBackend",
        "False",
    ]


def test_a_provider_takes_the_place_of_the_backend():
    environment = {"SHOP_MAIL_API_KEY": "k", "EMAIL_BACKEND": "notifications.smtp.EmailBackend"}
    found = shown(SHOP_MAIL_PROVIDER="Postmark", SHOP_MAIL_WEBHOOK_SECRET="a:b", **environment)
    assert found[:2] == ["notifications.anymail.backend.EmailBackend", "True"]
    assert found[2] == "('postmark', 'notifications.anymail.webhooks.endpoint')\n"


@pytest.fixture
def found(settings):
    settings.SHOP_MAIL_PROVIDER, settings.SHOP_MAIL_API_KEY = "postmark", "k"
    settings.SHOP_MAIL_WEBHOOK_SECRETS = ["postmark:secret"]
    return lambda: {one.id: f"{one.msg} {one.hint}" for one in run_checks(tags=["notifications"])}


def test_a_proper_provider_has_no_finding(found):
    assert found() == {}


def test_a_misspelt_provider_is_an_error_that_names_those_that_there_are(found, settings):
    settings.SHOP_MAIL_PROVIDER = "pigeon"
    assert "brevo, mailgun, postmark, resend" in found()["notifications.E001"]


def test_a_missing_anymail_is_an_error_that_names_the_requirements(found, monkeypatch):
    monkeypatch.setattr("notifications.checks.find_spec", lambda name: None)
    assert "requirements-mail.txt" in found()["notifications.E002"]


def test_a_provider_without_a_key_is_an_error(found, settings):
    settings.SHOP_MAIL_API_KEY = ""
    assert "SHOP_MAIL_API_KEY" in found()["notifications.E003"]


def test_notices_that_cannot_be_verified_are_warned_of(found, settings):
    settings.SHOP_MAIL_WEBHOOK_SECRETS = []
    assert "SHOP_MAIL_WEBHOOK_SECRET" in found()["notifications.W001"]
    settings.SHOP_MAIL_WEBHOOK_SIGNING_KEY = "of Mailgun"
    assert found() == {}


def test_without_a_provider_nothing_is_needed(found, settings, monkeypatch):
    settings.SHOP_MAIL_PROVIDER = settings.SHOP_MAIL_API_KEY = ""
    settings.SHOP_MAIL_WEBHOOK_SECRETS = []
    monkeypatch.setattr("notifications.checks.find_spec", lambda name: None)
    assert found() == {}
