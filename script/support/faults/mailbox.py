"""A mail server that takes everything and remembers what it took."""

from collections import Counter
from email import message_from_bytes

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from script.support import ports


class Mailbox:
    """Use it as a context manager; it listens near the port it is given."""

    def __init__(self, port: int) -> None:
        self.port = ports.pick(port)
        #: Message-ID -> how often it came.
        self.letters: Counter[str] = Counter()
        self._controller = Controller(self, hostname=ports.LOOPBACK, port=self.port)

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a letter."""
        content = envelope.content or b""
        letter = message_from_bytes(content if isinstance(content, bytes) else content.encode())
        self.letters[str(letter["Message-ID"]).strip()] += 1
        return "250 OK"
