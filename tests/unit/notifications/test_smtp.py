"""Our SMTP backend sends what Django's sends."""

from email.utils import parseaddr

import pytest
from django.core.mail import EmailMessage, get_connection

from notifications.mime import Mail

OURS, DJANGOS = "notifications.smtp.EmailBackend", "django.core.mail.backends.smtp.EmailBackend"


class Server:
    """What smtplib would hand to a mail server."""

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


def letter(name="Rosa Klein", address="rosa@example.com"):
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
    assert addressed(sent_by(OURS, letter(**facts))) == addressed(sent_by(DJANGOS, letter(**facts)))


def addressed(server):
    """Whom the mail server is told, without the recipients' names, which smtplib leaves out as well."""
    return [(parseaddr(sender)[1], [parseaddr(to)[1] for to in tos]) for sender, tos in server.envelopes]


def test_lines_end_as_smtp_wants_them():
    (mail,) = sent_by(OURS, letter()).mails
    assert b"Hello\r\n" in mail
    assert b"\n" not in mail.replace(b"\r\n", b"")


def test_addresses_are_not_parsed_for_each_letter(monkeypatch):
    sent_by(OURS, letter())
    monkeypatch.setattr("django.core.mail.backends.smtp.sanitize_address", None)
    monkeypatch.setattr("notifications.smtp.sanitize_address", None)
    assert sent_by(OURS, letter(address="otto@example.com")).envelopes[0][1] == ["otto@example.com"]


def test_what_is_no_letter_of_ours_is_sent_as_django_sends_it():
    report = EmailMessage("Report", "All is well", "shop@example.com", ["Olga <olga@example.com>"])
    assert addressed(sent_by(OURS, report)) == [("shop@example.com", ["olga@example.com"])]
