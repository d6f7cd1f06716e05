"""Promises of the port to the mail server, held by the simulator, by SMTP, and by each provider's API."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from smtplib import SMTPException

import pytest
from aiosmtpd.controller import Controller

from dev.processes import ports
from notifications import simulator
from notifications.channels import Email, EmailChannel, Outcome
from tests.support.mail_api.apis import APIS
from tests.support.mail_api.fixtures import mail_api, mail_stand_in  # noqa: F401

ORDER = "019ad000-0000-7000-8000-000000000001"


def email(address="alice@example.com", kind="shipped", name="Alice Liddell"):
    return Email(
        to_name=name,
        to_email=address,
        subject="Your order ORD-1 is on its way",
        text="Hello Alice — über die Post\n",
        html="<p>Hello Alice — über die Post</p>\n",
        message_id=f"<{kind}.{ORDER}@example.com>",
    )


@dataclass
class Arrived:
    to: str
    subject: str
    text: str
    html: str
    message_id: str | None


def from_mime(mail) -> Arrived:
    parts = {kind: mail.get_body((kind,)).get_content() for kind in ("plain", "html")}
    (to,) = mail["To"].addresses
    return Arrived(to.addr_spec, mail["Subject"], parts["plain"], parts["html"], mail["Message-ID"].strip())


class SimulatorBackstage:
    """The simulated mail server; ``mail`` is its folder."""

    gone = "bounce@example.com"

    def __init__(self, folder):
        self.folder = folder

    def arrived(self):
        return [from_mime(mail) for mail in self.folder.mails]

    @contextmanager
    def away(self):
        simulator.take_down()
        yield


class SmtpBackstage:
    """A mail server of SMTP."""

    gone = "gone@example.com"

    def __init__(self, settings):
        self.mails = []
        self.controller = Controller(self, hostname="127.0.0.1", port=ports.pick(38925))
        self.controller.start()
        settings.EMAIL_BACKEND = "notifications.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = self.controller.port

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        if address == self.gone:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def arrived(self):
        return [from_mime(mail) for mail in self.mails]

    @contextmanager
    def away(self):
        self.close()
        yield

    def close(self):
        if self.controller.loop.is_running():
            self.controller.stop()


class ApiBackstage:
    """A provider's API."""

    gone = "gone@example.com"

    def __init__(self, api):
        self.api = api

    def arrived(self):
        return [Arrived(m.to, m.subject, m.text, m.html, self._message_id(m)) for m in self.api.sent]

    def _message_id(self, sent):
        return next((v for name, v in sent.headers.items() if name.lower() == "message-id"), None)

    @contextmanager
    def away(self):
        with self.api.failing("hangup"):
            yield


@pytest.fixture(params=["simulator", "smtp", *APIS])
def server(request, settings, mail) -> Iterator:
    """Make each mail server the configured one in turn."""
    if request.param == "simulator":
        yield SimulatorBackstage(mail)
    elif request.param == "smtp":
        backstage = SmtpBackstage(settings)
        yield backstage
        backstage.close()
    else:
        yield ApiBackstage(request.getfixturevalue("mail_api")(request.param))


def send(*emails):
    return list(EmailChannel().send(emails))


def test_an_accepted_message_arrives_whole(server):
    (reply,) = send(email())
    assert (reply.outcome, reply.reason) == (Outcome.ACCEPTED, "")
    (arrived,) = server.arrived()
    assert (arrived.to, arrived.subject) == ("alice@example.com", "Your order ORD-1 is on its way")
    assert arrived.text.strip() == "Hello Alice — über die Post"
    assert arrived.html.strip() == "<p>Hello Alice — über die Post</p>"
    assert arrived.message_id == f"<shipped.{ORDER}@example.com>"


@pytest.mark.parametrize("name", ['Éva "the" Fox <x@y.z>', "Max\r\nBcc: all@example.com", "Liddell, Alice"])
def test_a_name_is_no_address(server, name):
    (reply,) = send(email(name=name))
    assert reply.outcome is Outcome.ACCEPTED
    assert [arrived.to for arrived in server.arrived()] == ["alice@example.com"]


def test_an_address_with_letters_beyond_ascii_in_its_domain_arrives(server):
    (reply,) = send(email("juergen@münchen.example"))
    assert reply.outcome is Outcome.ACCEPTED
    assert [arrived.to for arrived in server.arrived()] == ["juergen@xn--mnchen-3ya.example"]


def test_an_address_that_is_refused_for_good_holds_up_nobody(server):
    first, gone, last = send(email(), email(server.gone, "delivered"), email("rose@example.com", "cancelled"))
    assert (first.outcome, last.outcome) == (Outcome.ACCEPTED, Outcome.ACCEPTED)
    assert gone.outcome is Outcome.REFUSED
    assert gone.reason.startswith("550 ")
    assert [arrived.to for arrived in server.arrived()] == ["alice@example.com", "rose@example.com"]


def test_a_server_that_is_away_is_an_outage_and_takes_nothing(server):
    with server.away(), pytest.raises((OSError, SMTPException)):
        send(email())
    assert server.arrived() == []
