"""The mail server of script/faults puts letters off, is away, and takes them later."""

import smtplib
from collections.abc import Iterator
from random import Random
from types import SimpleNamespace

import pytest

from dev.faults import wires
from dev.faults.mailbox import Mailbox
from dev.processes.ports import LOOPBACK


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox(23950) as mailbox:
        yield mailbox


def send(mailbox: Mailbox) -> None:
    with smtplib.SMTP(LOOPBACK, mailbox.port, timeout=10) as server:
        server.sendmail("shop@example.com", "rosa@example.com", "Message-ID: <1@shop>\r\n\r\nHello")


def test_a_postponed_letter_is_taken_when_it_comes_again(mailbox):
    harm = wires.mail_postponed(SimpleNamespace(mailbox=mailbox), Random(1))
    next(harm)
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        send(mailbox)
    assert not mailbox.letters

    next(harm, None)
    send(mailbox)
    assert mailbox.letters == {"<1@shop>": 1}


def test_a_stopped_mail_server_refuses_connections_until_it_is_started_again(mailbox):
    harm = wires.mail_server_stopped(SimpleNamespace(mailbox=mailbox), Random(1))
    next(harm)
    with pytest.raises(ConnectionRefusedError):
        send(mailbox)

    next(harm, None)
    send(mailbox)
    assert mailbox.letters == {"<1@shop>": 1}
