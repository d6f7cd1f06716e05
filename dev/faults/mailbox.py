"""Mail server that records all mail. It can be made to reject mail temporarily, or be stopped."""

from collections import Counter
from email import message_from_bytes

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from dev.processes import ports


class Mailbox:
    """Context manager of a mail server that listens on ``port`` or one near it."""

    def __init__(self, port: int) -> None:
        self.port = ports.pick(port)
        #: Message-ID -> number of deliveries.
        self.received: Counter[str] = Counter()
        #: Reject all mail with a temporary error (451).
        self.rejects_temporarily = False

    def __enter__(self) -> "Mailbox":
        self.open()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def open(self) -> None:
        """Start listening, for the first time or again."""
        self._controller = Controller(self, hostname=ports.LOOPBACK, port=self.port)
        self._controller.start()

    def close(self) -> None:
        """Close all connections and refuse new ones."""
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept or temporarily reject a mail."""
        if self.rejects_temporarily:
            return "451 Not now"
        content = envelope.content or b""
        mail = message_from_bytes(content if isinstance(content, bytes) else content.encode())
        self.received[str(mail["Message-ID"]).strip()] += 1
        return "250 OK"
