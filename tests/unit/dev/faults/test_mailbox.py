"""The mail server of script/faults: temporary errors, outages, and mail accepted later."""

import smtplib
from collections.abc import Iterator
from random import Random
from types import SimpleNamespace

import pytest

from dev.faults import links
from dev.faults.mailbox import Mailbox
from dev.processes.ports import LOOPBACK


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox(23950) as mailbox:
        yield mailbox


def send(mailbox: Mailbox) -> None:
    with smtplib.SMTP(LOOPBACK, mailbox.port, timeout=10) as server:
        server.sendmail("shop@example.com", "rosa@example.com", "Message-ID: <1@shop>\r\n\r\nHello")


def test_a_postponed_mail_is_accepted_when_it_is_sent_again(mailbox):
    fault = links.mail_postponed(SimpleNamespace(mailbox=mailbox), Random(1))
    next(fault)
    with pytest.raises(smtplib.SMTPDataError, match="451"):
        send(mailbox)
    assert not mailbox.received

    next(fault, None)
    send(mailbox)
    assert mailbox.received == {"<1@shop>": 1}


def test_a_stopped_mail_server_refuses_connections_until_it_is_started_again(mailbox):
    fault = links.mail_server_stopped(SimpleNamespace(mailbox=mailbox), Random(1))
    next(fault)
    with pytest.raises(ConnectionRefusedError):
        send(mailbox)

    next(fault, None)
    send(mailbox)
    assert mailbox.received == {"<1@shop>": 1}
