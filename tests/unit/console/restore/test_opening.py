"""``after_restore`` makes a restored database safe, and then opens it."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from django.db.migrations.recorder import MigrationRecorder

from console.erasure import erasures_file
from console.erasure.erasures_file import Erasure
from console.management.commands import after_restore
from console.restore import opening as restored
from payments.errors import GatewayUnavailable
from shop.messaging.models import Restore
from shop.messaging.relay_age import RelayAge
from shop.messaging.restores import opening, sequences
from shop.privacy.data_keys import key_for_account
from shop.privacy.models import DataSubject

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed(settings, tmp_path) -> Path:
    """Restore the database from a dump; return the file of erasures."""
    Restore.objects.all().delete()
    Restore.objects.create(identity="another/1", by="manage.py migrate")
    file = tmp_path / "erasures"
    settings.SHOP_ERASURES_FILE = str(file)
    return file


def is_open() -> bool:
    with connection.cursor() as cursor:
        return opening.is_open(cursor)


def test_it_opens_once_everything_is_done(closed, capsys):
    closed.touch()
    user = User.objects.create(username="before")
    SessionStore().create()
    assert not is_open()
    call_command("after_restore", by="dora")
    assert is_open()
    row = Restore.objects.latest("pk")
    assert (row.is_restore, row.by, row.gap) == (True, "dora", 10_000)
    assert not Session.objects.exists()
    assert User.objects.create(username="after").pk == user.pk + 10_001
    assert "The shop is open" in capsys.readouterr().out


def test_who_was_forgotten_after_the_backup_is_forgotten_before_it_opens(closed):
    user = User.objects.create(username="zoe", email="zoe@example.com")
    with key_for_account(user.pk) as key:
        User.objects.get(pk=user.pk)
    subject = key.result.subject_id
    erasures_file.add(Erasure(subject, user.pk, user.date_joined))
    call_command("after_restore")
    user.refresh_from_db()
    assert user.email == ""
    assert DataSubject.objects.get(pk=subject).wrapped_key == ""


def test_it_changes_nothing_without_the_file_of_erasures(closed):
    with pytest.raises(CommandError, match="file of erasures"):
        call_command("after_restore")
    assert not is_open()
    call_command("after_restore", no_erasures=True)
    assert is_open()


def test_it_changes_nothing_while_a_relay_runs(closed, monkeypatch):
    closed.touch()
    monkeypatch.setattr(restored, "relay_age", lambda: RelayAge(2, 0.0))
    with pytest.raises(CommandError, match="2 relays are connected"):
        call_command("after_restore")
    assert not is_open()


def test_it_changes_nothing_before_the_migrations(closed):
    closed.touch()
    MigrationRecorder(connection).migration_qs.filter(app="orders").latest("id").delete()
    with pytest.raises(CommandError, match="Migrations of this release are missing"):
        call_command("after_restore")
    assert not is_open()


def test_it_needs_the_owner_of_the_tables(closed, monkeypatch):
    closed.touch()

    def refuse(gap: int) -> int:
        raise ProgrammingError("permission denied for sequence")

    monkeypatch.setattr(sequences, "advance", refuse)
    with pytest.raises(CommandError, match="SHOP_ADMIN_DATABASE_URL"):
        call_command("after_restore")
    assert not is_open()


def test_providers_that_are_away_keep_nothing_closed(closed, monkeypatch, capsys):
    closed.touch()

    def fail() -> None:
        raise GatewayUnavailable("503")

    monkeypatch.setattr(after_restore, "find_lost", fail)
    call_command("after_restore")
    assert is_open()
    assert "cannot be read now: 503" in capsys.readouterr().out


def test_it_does_nothing_to_a_database_that_is_open(closed):
    closed.touch()
    call_command("after_restore")
    with pytest.raises(CommandError, match="--restored"):
        call_command("after_restore")
    call_command("after_restore", restored=True)
    assert Restore.objects.filter(is_restore=True).count() == 2
