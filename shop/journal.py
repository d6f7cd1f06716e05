"""Journal of what staff does: the admin's own log, for acts by the REST API as well.

Entries about an object are its history in the admin. They name the actor, and the door if it is another one.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model, ProtectedError
from django.db.models.signals import pre_delete
from django.db.transaction import TransactionManagementError
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override
from rest_framework.request import Request

#: Refusal to delete an account, with whose row Django would delete its entries.
KEPT = _("Its acts are in the journal, which is kept: close the account instead, by taking back “Active”.")
#: Latest acts on an object that a page shows.
_MOST = 200


@dataclass(frozen=True, slots=True)
class ActOnObject:
    """An act on an object."""

    at: datetime
    by: str
    text: str


def acts_on(app_label: str, model: str, pk: UUID) -> list[ActOnObject]:
    """Return the latest acts on an object, oldest first."""
    kind = ContentType.objects.get_by_natural_key(app_label, model)
    entries = LogEntry.objects.filter(object_id=str(pk), content_type=kind)
    found = entries.select_related("user").order_by("-pk")[:_MOST]
    return [
        ActOnObject(entry.action_time, entry.user.get_username(), entry.get_change_message())
        for entry in reversed(found)
    ]


def has_entries(user: User) -> bool:
    """Tell whether the journal has acts of an account."""
    return LogEntry.objects.filter(user=user).exists()


@receiver(pre_delete, sender=User)
def refuse_to_delete_an_actor(instance: User, **kwargs: Any) -> None:
    """Keep the entries: Django would delete them with the account."""
    if has_entries(instance):
        raise ProtectedError(str(KEPT), {instance})


def record(request: HttpRequest | Request, what: Model | type[Model], text: str) -> None:
    """Write an entry about an object, or about all of a model, in the transaction of the act.

    The text must not hold personal data: the journal is kept when a customer is forgotten.

    Raises:
        TransactionManagementError: no transaction is open.
    """
    door, actor = _door_of(request), request.user
    assert isinstance(actor, User)  # noqa: S101 - acts need permissions
    record_by(actor, what, f"{text} (by {door})" if door else text)


def record_by(actor: User, what: Model | type[Model], text: str) -> None:
    """Write an entry as :func:`record` does, for an actor whose request is over."""
    if not connection.in_atomic_block:
        raise TransactionManagementError("open a transaction around the act and its entry in the journal")
    with override("en"):
        name = str(what._meta.verbose_name_plural if isinstance(what, type) else what)[:200]
    LogEntry.objects.create(
        user=actor,
        content_type=ContentType.objects.get_for_model(what),
        object_id=None if isinstance(what, type) else str(what.pk),
        object_repr=name,
        action_flag=CHANGE,
        change_message=text,
    )


def _door_of(request: HttpRequest | Request) -> str:
    """Return the door that the actor came by, with the name of the API key; empty for the admin."""
    if not isinstance(request, Request):
        return ""
    if request.auth is None:
        return "the REST API, logged in by a browser"
    return f"the REST API, with the key {request.auth}"
