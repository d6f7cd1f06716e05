"""Signatures of Celery's task messages, in a header beside those of Celery.

The HMAC covers a label, the task's id, its name and the exact text of its arguments, each but the last ended
by a line break, which neither id nor name may contain. Celery's own ``auth`` serializer signs the arguments
alone: they could be given to another task.
"""

from __future__ import annotations

from typing import Any

from celery.signals import before_task_publish
from django.conf import settings
from kombu import Message
from kombu.serialization import dumps

from shop.messaging.errors import Forged
from shop.messaging.signing.keys import keyring

#: Header with the signature.
HEADER = "shopsignature"


@before_task_publish.connect
def sign(body: Any, headers: dict[str, Any], **kwargs: object) -> None:
    """Sign a task message before Celery publishes it."""
    _, _, text = dumps(body, serializer="json")
    headers[HEADER] = keyring().sign(_signed_text(headers["id"], headers["task"], text))


def check(message: Message) -> str:
    """Return the name of the task in a received message. Raises Forged unless the shop has signed it."""
    headers: Any = message.headers
    task_id, name, signature = (headers.get(key) for key in ("id", "task", HEADER))
    if not isinstance(task_id, str) or not isinstance(name, str) or "\n" in task_id or "\n" in name:
        raise Forged("it is no task message")
    if signature is None and settings.SHOP_ACCEPT_UNSIGNED:
        return name
    if not keyring().verifies(signature, _signed_text(task_id, name, text_of(message))):
        raise Forged("it carries no signature" if signature is None else "its signature is wrong")
    return name


def text_of(message: Message) -> str:
    """Return the body of a message as text, up to the largest size of a message."""
    body: Any = message.body
    kept = body[: settings.SHOP_MAX_MESSAGE_BYTES]
    return kept if isinstance(kept, str) else bytes(kept).decode(errors="backslashreplace")


def _signed_text(task_id: str, name: str, arguments: str) -> str:
    return f"task\n{task_id}\n{name}\n{arguments}"
