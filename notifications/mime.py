"""MIME messages without the standard library, which takes half of the time of an e-mail to fold headers."""

import re
from email.utils import formataddr, formatdate
from random import getrandbits
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives

#: Length limits of RFC 5322, 2.1.1: recommended for lines of headers, required for lines of bodies.
_HEADER, _LINE = 78, 998
_LINE_END = re.compile(r"\r\n?|\n")


class Mail(EmailMultiAlternatives):
    """E-mail of text and HTML to one recipient.

    Django serializes it if it has long headers, headers beyond plain ASCII, or long lines.
    """

    def __init__(self, *, name: str, address: str, text: str, html: str, **options: Any) -> None:
        self.address = address
        #: Name and address need no encoding.
        self.is_plain = _is_plain(name + address)
        self._to = formataddr((name, address)) if self.is_plain else ""
        to = f'"{_quoted(name)}" <{address}>' if name else address
        super().__init__(to=[to], body=text, **options)
        self.attach_alternative(html, "text/html")
        self._texts = {"plain": text, "html": html}

    def message(self, **options: Any) -> Any:
        """Return the message that the backend sends."""
        headers = {
            "Subject": self.subject,
            "From": self.from_email,
            "To": self._to,
            "Date": formatdate(localtime=settings.EMAIL_USE_LOCALTIME),
            **self.extra_headers,
        }
        if self._to and all(map(_fits, headers.items())) and all(map(_has_short_lines, self._texts.values())):
            return SerializedMail(headers, self._texts)
        return super().message(**options)


class SerializedMail:
    """The part of ``email.message.Message`` that backends use."""

    def __init__(self, headers: dict[str, str], texts: dict[str, str]) -> None:
        self._headers, self._texts = headers, texts

    def as_bytes(self, linesep: str = "\n") -> bytes:
        """Serialize the message as multipart/alternative."""
        boundary = f"==============={getrandbits(64):020}=="
        lines = [f'Content-Type: multipart/alternative; boundary="{boundary}"', "MIME-Version: 1.0"]
        lines += [f"{name}: {value}" for name, value in self._headers.items()]
        lines.append("")
        for subtype, text in self._texts.items():
            lines += [f"--{boundary}", f'Content-Type: text/{subtype}; charset="utf-8"', "MIME-Version: 1.0"]
            lines += [f"Content-Transfer-Encoding: {_encoding(text)}", "", text]
        written = "\n".join([*lines, f"--{boundary}--", ""])
        # Also a bare CR: some servers end a line there, and the mail at a dot after it.
        plain = _LINE_END.sub("\n", written) if "\r" in written else written
        return plain.replace("\n", linesep).encode()

    def get_charset(self) -> None:
        """Return None: a multipart message has no charset."""


def _quoted(name: str) -> str:
    return name.replace("\\", r"\\").replace('"', r"\"")


def _fits(header: tuple[str, str]) -> bool:
    name, value = header
    # A Message-ID is one word and cannot be folded.
    return _is_plain(value) and (name == "Message-ID" or len(name) + 2 + len(value) <= _HEADER)


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _has_short_lines(text: str) -> bool:
    lines = text.split("\n")
    return 4 * max(map(len, lines)) <= _LINE or all(len(line.encode()) <= _LINE for line in lines)


def _encoding(text: str) -> str:
    return "7bit" if text.isascii() else "8bit"
