"""Failures of a provider's API: of the account, of the provider, and of the way to it."""

import logging

import pytest
from django.core.mail import get_connection

from notifications.anymail.failures import MailProviderError, ProviderMisconfigured, ProviderUnavailable
from notifications.channels import EmailChannel
from tests.support.mail_api.apis import API_KEY
from tests.unit.notifications.test_channel_contract import email


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("401", ProviderMisconfigured, "check SHOP_MAIL_API_KEY"),
        ("422", ProviderMisconfigured, "check sender, domain and state of the account"),
        ("429", ProviderUnavailable, "answered 429"),
        ("500", ProviderUnavailable, "answered 500"),
        ("html", ProviderUnavailable, "answered 502"),
        ("hangup", ProviderUnavailable, "no answer"),
    ],
)
def test_what_is_not_about_an_address_is_an_outage_that_says_what_to_do(api, fault, kind, says):
    with api.failing(fault), pytest.raises(kind, match=says):
        list(EmailChannel().send([email()]))
    assert api.sent == []


@pytest.mark.parametrize("fault", ["401", "422", "429", "500", "html", "hangup"])
def test_neither_key_nor_address_is_logged_or_told(api, fault, caplog):
    caplog.set_level(logging.DEBUG)
    with api.failing(fault), pytest.raises(MailProviderError) as error:
        list(EmailChannel().send([email()]))
    for words in (caplog.text, str(error.value), repr(error.value), repr(error.value.__cause__)):
        assert API_KEY not in words
        assert "@example.com" not in words


def test_an_unknown_provider_is_named_with_those_that_there_are(settings):
    settings.SHOP_MAIL_PROVIDER = "pigeon"
    settings.EMAIL_BACKEND = "notifications.anymail.backend.EmailBackend"
    with pytest.raises(Exception, match="'pigeon': set it to one of brevo, mailgun, postmark, resend"):
        get_connection()
