"""Kinds of backups: a dump by pg_dump, and pgBackRest's with a recovery to a point in time."""

from abc import ABC, abstractmethod
from datetime import UTC, datetime
from pathlib import Path

from dev.drill.system import FOLDER, HOME, System
from dev.paths import servers_home
from dev.processes.children import unprivileged_user
from dev.servers.pgbackrest import ArchivingPostgres
from dev.servers.postgres import Postgres

_PORT = 27432


def _home(name: str) -> Path:
    return servers_home(unprivileged_user()) / FOLDER / name


class Backup(ABC):
    """Way to back up and to restore, with the server that it needs."""

    name: str
    postgres: Postgres
    #: The point to restore to can be chosen after the backup.
    has_point = False

    @abstractmethod
    def prepare(self, system: System) -> None:
        """Prepare the server for backups, once it runs."""

    @abstractmethod
    def take(self, system: System) -> None:
        """Take a backup of the running shop."""

    @abstractmethod
    def choose_point(self) -> None:
        """Choose the present as the point to restore to, if there is a choice."""

    @abstractmethod
    def restore(self, system: System) -> None:
        """Restore it, and have the database run."""


class Dump(Backup):
    """Dump by pg_dump, of the wheel's PostgreSQL 18. The point is that of the dump."""

    name = "pg_dump"

    def __init__(self) -> None:
        self.postgres = Postgres(_home("postgres"), preferred_port=_PORT)
        self._file = HOME / "backup"

    def prepare(self, system: System) -> None:
        """Do nothing: a dump needs no preparation."""

    def take(self, system: System) -> None:
        """Dump the database."""
        system.run_step("pg_dump backup", {"BACKUP": str(self._file)})

    def choose_point(self) -> None:
        """Keep the point of the dump."""

    def restore(self, system: System) -> None:
        """Restore the dump into a new cluster."""
        system.make_database()
        system.run_step("pg_dump restore", {"BACKUP": str(self._file)})


class PointInTime(Backup):
    """Full backup and archived log, of Debian's PostgreSQL 15."""

    name = "pgbackrest"
    has_point = True

    def __init__(self) -> None:
        self.postgres: ArchivingPostgres = ArchivingPostgres(_home("postgres-15"), preferred_port=_PORT)
        self._point = datetime.now(UTC)

    def prepare(self, system: System) -> None:
        """Create the stanza; the log is archived from then on."""
        self.postgres.configure()
        system.run("pgbackrest --stanza=shop stanza-create", self._environment(), as_server=True)

    def take(self, system: System) -> None:
        """Take a full backup."""
        system.run_step("pgbackrest backup", self._environment(), as_server=True)

    def choose_point(self) -> None:
        """Choose the present."""
        self._point = datetime.now(UTC)

    def restore(self, system: System) -> None:
        """Restore the files, and have PostgreSQL replay the log up to the point."""
        self.postgres.data.mkdir(mode=0o700)
        self.postgres.chown_to_server(self.postgres.data)
        given = {**self._environment(), "POINT": self._point.isoformat(" ")}
        system.run_step("pgbackrest restore", given, as_server=True)
        self.postgres.start(timeout=120)
        self.postgres.wait_writable()

    def _environment(self) -> dict[str, str]:
        """Return the environment of pgBackRest, which runs as the user of PostgreSQL."""
        return {**self.postgres.environment, "PGPASSWORD": self.postgres.password}
