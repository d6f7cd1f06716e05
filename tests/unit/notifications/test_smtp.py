"""SMTP backend: it sends the same as Django's."""

from email.utils import parseaddr

import pytest
from django.core.mail import EmailMessage, get_connection

from notifications.mime import Mail

OURS, DJANGOS = "notifications.smtp.EmailBackend", "django.core.mail.backends.smtp.EmailBackend"


class Server:
    """Connection that records the e-mails instead of sending them."""

    def __init__(self):
        self.envelopes, self.mails = [], []

    def sendmail(self, sender, recipients, message):
        self.envelopes.append((sender, recipients))
        self.mails.append(message)


def sent_by(backend, message):
    connection = get_connection(backend)
    connection.connection = server = Server()
    assert connection.send_messages([message]) == 1
    return server


def email(name="Rosa Klein", address="rosa@example.com"):
    return Mail(name=name, address=address, subject="It is on its way", text="Hello\n", html="<p>Hello</p>")


@pytest.mark.parametrize("sender", ["shop@example.com", "The Shop <shop@example.com>", "shop@läden.example"])
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"name": 'Rosa "the Rose" Klein'},
        {"name": "Rosa Groß"},
        {"address": "rosa@münchen.example"},
        {"address": '"rosa klein"@example.com'},
        {"address": "Rosa@EXAMPLE.com"},
    ],
)
def test_the_envelope_is_that_of_django(settings, sender, facts):
    settings.DEFAULT_FROM_EMAIL = sender
    assert envelopes(sent_by(OURS, email(**facts))) == envelopes(sent_by(DJANGOS, email(**facts)))


def envelopes(server):
    """Return senders and recipients without names, which smtplib leaves out as well."""
    return [(parseaddr(sender)[1], [parseaddr(to)[1] for to in tos]) for sender, tos in server.envelopes]


def test_lines_end_as_smtp_wants_them():
    (mail,) = sent_by(OURS, email()).mails
    assert b"Hello\r\n" in mail
    assert b"\n" not in mail.replace(b"\r\n", b"")


def test_addresses_are_not_parsed_for_each_email(monkeypatch):
    sent_by(OURS, email())
    monkeypatch.setattr("django.core.mail.backends.smtp.sanitize_address", None)
    monkeypatch.setattr("notifications.smtp.sanitize_address", None)
    assert sent_by(OURS, email(address="otto@example.com")).envelopes[0][1] == ["otto@example.com"]


def test_other_emails_are_sent_as_django_sends_them():
    report = EmailMessage("Report", "All is well", "shop@example.com", ["Olga <olga@example.com>"])
    assert envelopes(sent_by(OURS, report)) == [("shop@example.com", ["olga@example.com"])]
