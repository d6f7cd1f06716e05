"""Traces of a customer, and the command that erases them."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from tests.support.inprocess import deliver_all, fire_reminders
from tests.support.traces import columns_with, files_with


def traces(words: list[str]) -> set[str]:
    """Return the columns in which one of the words occurs, and "mail files"."""
    mails = list(files_with(words, Path(settings.EMAIL_FILE_PATH)))
    return columns_with(words, rows) | ({"mail files"} if mails else set())


def rows(query: str, *parameters: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def forget(user: User) -> None:
    call_command("forget_customer", str(user.pk))
    fire_reminders()
    deliver_all()
