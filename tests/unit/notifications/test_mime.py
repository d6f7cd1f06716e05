"""Serialization of mails: equal to Django's in content, and left to Django for unusual mails."""

from email import message_from_bytes, policy

import pytest
from django.core.mail import EmailMultiAlternatives

from notifications.mime import Mail, SerializedMail

TEXT, HTML = "Hello Rosa,\n\nyour order is on its way.\n", "<p>Hello Rosa</p>"
HEADERS = {"Auto-Submitted": "auto-generated", "Message-ID": "<shipped.0199b1d0@example.com>"}


def mail(**facts):
    given = {
        "name": "Rosa Klein",
        "address": "rosa@example.com",
        "subject": "Your order ORD-1042 is on its way",
        "text": TEXT,
        "html": HTML,
        "headers": HEADERS,
    }
    return Mail(**given | facts)


def read(mail, linesep="\n"):
    return message_from_bytes(mail.message().as_bytes(linesep=linesep), policy=policy.default)


def serialized_by_django(mail):
    return message_from_bytes(EmailMultiAlternatives.message(mail).as_bytes(), policy=policy.default)


def headers_of(message):
    return {name: value for name, value in message.items() if name not in {"Date", "Content-Type"}}


def parts_of(message):
    return [
        (part.get_content_type(), part.get_content_charset(), part.get_content())
        for part in message.iter_parts()
    ]


PLAIN = [
    {},
    {"name": "Klein, Rosa"},
    {"name": 'Rosa "the Rose" Klein'},
    {"name": "Rosa (at home) <b>"},
    {"text": "Grüße aus Köln –\n"},
    {"text": "From here\n.\n..\n--\n"},
    {"html": "<p>" + "Grüße " * 20 + "</p>"},
]
UNUSUAL = [
    {"name": "Rosa Groß"},
    {"name": ""},
    {"subject": "Ihre Bestellung ist unterwegs – endlich"},
    {"subject": "Your order " + "with a very long number " * 5},
    {"name": "Rosa " + "Maria " * 20 + "Klein"},
    {"text": "x" * 2000},
    {"text": "ü" * 600},
    {"text": ("x" * 400 + "\N{LINE SEPARATOR}") * 4},
]


@pytest.mark.parametrize("facts", PLAIN + UNUSUAL)
def test_it_says_what_django_says(facts):
    ours = read(mail(**facts))
    assert headers_of(ours) == headers_of(serialized_by_django(mail(**facts)))
    assert parts_of(ours) == parts_of(serialized_by_django(mail(**facts)))
    assert ours["Date"]
    assert not ours.defects


@pytest.mark.parametrize("facts", PLAIN)
def test_what_is_plain_we_write_ourselves(facts):
    assert isinstance(mail(**facts).message(), SerializedMail)


@pytest.mark.parametrize("facts", [facts for facts in UNUSUAL if facts != {"name": ""}])
def test_what_is_unusual_django_writes(facts):
    assert not isinstance(mail(**facts).message(), SerializedMail)


def test_lines_end_as_the_server_wants_them():
    lines = mail(text="one\r\ntwo\nthree\r.\r\nfour").message().as_bytes(linesep="\r\n").split(b"\r\n")
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert {b"one", b"two", b"three", b".", b"four"} <= set(lines)


def test_no_header_can_be_smuggled_in():
    with pytest.raises(ValueError, match="newlines"):
        mail(subject="Hello\nBcc: everybody@example.com").message()
