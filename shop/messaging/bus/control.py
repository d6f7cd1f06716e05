"""Celery's remote control by the shop alone: commands such as ``shutdown``, and their replies, are signed.

A command is signed as a whole, with the time: it is good for COMMAND_LIFETIME seconds.
"""

from __future__ import annotations

import time
from typing import Any

from celery.app.control import Control
from django.conf import settings
from kombu.serialization import register

from shop.messaging.errors import Forged
from shop.messaging.signing.keys import keyring
from shop.postgres import json_text

#: Name of the serializer.
SIGNED = "shop-signed"

#: Seconds after which a command or a reply is refused. It may wait for a worker that is busy.
COMMAND_LIFETIME = 300


class NoRemoteControl(Exception):
    """Workers take commands on RabbitMQ alone: read their logs, or stop them by SIGTERM."""


class SignedControl(Control):
    """Remote control that sends and takes signed messages alone."""

    def __init__(self, app: Any = None) -> None:
        super().__init__(app)
        register(SIGNED, _signed, _verified, "application/x-shop-signed", "utf-8")
        mailbox: Any = self.mailbox  # type: ignore[attr-defined]  # not in the stubs
        mailbox.serializer = SIGNED
        mailbox.accept = [SIGNED, "json"] if settings.SHOP_ACCEPT_UNSIGNED else [SIGNED]

    def broadcast(self, *arguments: Any, **options: Any) -> Any:
        """Send a command, as ``celery inspect``, ``control`` and ``status`` do.

        Raises:
            NoRemoteControl: workers on this broker take no commands.
        """
        if not self.app.conf.worker_enable_remote_control:
            raise NoRemoteControl(NoRemoteControl.__doc__)
        return super().broadcast(*arguments, **options)


def _signed(command: Any) -> str:
    text = f"{int(time.time())}\n{json_text.dumps(command)}"
    return f"{keyring().sign(_signed_text(text))}\n{text}"


def _verified(message: str | bytes) -> Any:
    text = message if isinstance(message, str) else bytes(message).decode()
    signature, _, rest = text.partition("\n")
    if not keyring().verifies(signature, _signed_text(rest)):
        raise Forged("a control command has a wrong signature")
    sent_at, _, command = rest.partition("\n")
    if abs(time.time() - int(sent_at)) > COMMAND_LIFETIME:
        raise Forged("a control command is too old")
    return json_text.loads(command)


def _signed_text(text: str) -> str:
    return f"control\n{text}"
