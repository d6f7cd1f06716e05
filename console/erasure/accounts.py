"""Personal data that the ground keeps: the account, and all that belongs to it."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db.models import CASCADE, Q, QuerySet
from django_celery_results.models import TaskResult

from shop.accounts.models import UnconfirmedAddress
from shop.messaging.contracts import ERASED
from shop.privacy.mail_files import erase_mails
from shop.privacy.rows import Rows, rows_of
from shop.rest.models import IdempotencyRecord

#: Columns that an export leaves out: secrets, and answers that only their key opens.
SECRETS = frozenset({"password", "digest", "password_digest", "key", "secret", "token", "answer"})
_TEXTS = ("task_args", "task_kwargs", "result", "traceback")


def erase_account(user: User, words: Collection[str]) -> None:
    """Give a locked account neutral values, end its sessions and keys, and delete what belongs to it.

    Args:
        user: the account.
        words: names and addresses that identify the person in a text.
    """
    for rows in _belongings(user, words):
        rows.delete()
    _log_entries(user, words).update(object_repr=ERASED)
    erase_mails(words)
    user.username, user.email = f"forgotten-{user.pk}", ""
    user.first_name = user.last_name = ""
    user.is_active, user.last_login = False, None
    user.set_unusable_password()
    user.save()


def personal_data_of(user: User, words: Collection[str]) -> Rows:
    """Return all that the ground keeps about an account, by table, without secrets."""
    found = rows_of(User.objects.filter(pk=user.pk), leaving_out=SECRETS)
    for rows in (*_belongings(user, words), _log_entries(user, words)):
        found |= rows_of(rows, leaving_out=SECRETS)
    return found


def _belongings(user: User, words: Collection[str]) -> Iterator[QuerySet[Any]]:
    """Yield the rows that would go with the account, if it could be deleted, and those that name it."""
    for relation in User._meta.related_objects:
        model = relation.related_model
        if getattr(relation, "on_delete", None) is CASCADE and model is not LogEntry:
            yield model._base_manager.filter(**{relation.field.name: user})
    yield Session.objects.filter(pk__in=[session.pk for session in _sessions_of(user)])
    yield IdempotencyRecord.objects.filter(user_id=user.pk)
    yield UnconfirmedAddress.objects.filter(user=None, email__in=[word.lower() for word in words])
    yield from _rows_by_address([word for word in words if "@" in word])
    yield _task_results_with(words)


def _sessions_of(user: User) -> Iterator[Session]:
    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            yield session


def _rows_by_address(addresses: Collection[str]) -> Iterator[QuerySet[Any]]:
    """Yield rows of accounts that know an address alone."""
    wanted = Q(pk__in=[])
    for address in addresses:
        wanted |= Q(email__iexact=address)
    for model in apps.get_app_config("accounts").get_models():
        names = {field.name for field in model._meta.concrete_fields}
        if "email" in names and "user" not in names:
            yield model._base_manager.filter(wanted)


def _log_entries(user: User, words: Collection[str]) -> QuerySet[LogEntry]:
    """Return entries about an account or its belongings, which have its user name, and those with a word."""
    wanted = Q(content_type=ContentType.objects.get_for_model(User), object_id=str(user.pk))
    of_belongings = Q(content_type__app_label__in=("accounts", "otp_totp"))
    wanted |= of_belongings & Q(object_repr__iregex=_whole(user.username))
    for word in words:
        wanted |= Q(object_repr__iregex=_whole(word))
    return LogEntry.objects.filter(wanted)


def _task_results_with(words: Collection[str]) -> QuerySet[TaskResult]:
    wanted = Q(pk__in=[])
    for word in words:
        for column in _TEXTS:
            wanted |= Q(**{f"{column}__iregex": _whole(word)})
    return TaskResult.objects.filter(wanted)


def _whole(word: str) -> str:
    """Return a pattern of PostgreSQL for the word, not for part of a longer one."""
    return rf"\y{re.escape(word)}\y"


def words_of(user: User) -> set[str]:
    """Return the present name and address of an account, and the addresses that wait to be confirmed."""
    waiting = UnconfirmedAddress.objects.filter(user=user).values_list("email", flat=True)
    return {word for word in (user.email, user.get_full_name(), *waiting) if word}
