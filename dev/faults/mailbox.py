"""A mail server that remembers what it took: everything, unless it is told to postpone or to be away."""

from collections import Counter
from email import message_from_bytes

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from dev.processes import ports


class Mailbox:
    """Use it as a context manager; it listens near the port it is given."""

    def __init__(self, port: int) -> None:
        self.port = ports.pick(port)
        #: Message-ID -> how often it came.
        self.letters: Counter[str] = Counter()
        #: Whether it takes no letter now; who sends it again later is another matter.
        self.postpones = False

    def __enter__(self) -> "Mailbox":
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def open(self) -> None:
        """Listen, also once it was closed."""
        self._controller = Controller(self, hostname=ports.LOOPBACK, port=self.port)
        self._controller.start()

    def close(self) -> None:
        """Throw everybody out and refuse connections."""
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a letter, or put off whoever brings it."""
        if self.postpones:
            return "451 Not now"
        content = envelope.content or b""
        letter = message_from_bytes(content if isinstance(content, bytes) else content.encode())
        self.letters[str(letter["Message-ID"]).strip()] += 1
        return "250 OK"
