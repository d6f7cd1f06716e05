"""Debian's PostgreSQL with an archive of its log, and pgBackRest: for recoveries to a point in time."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psycopg

from dev.errors import ScriptError, ServerFailed
from dev.paths import make_open_folder, servers_home
from dev.processes.ports import LOOPBACK
from dev.servers.debian_packages import DebianPackages
from dev.servers.postgres import SUPERUSER, Postgres

#: Programs of Debian 12 and their folder.
_VERSION = 15
_FOLDER = f"usr/lib/postgresql/{_VERSION}/bin"
#: Seconds after which a segment of the log is archived, full or not: the most that a lost disk takes along.
ARCHIVE_TIMEOUT = 5


class NoPgBackRest(ScriptError):
    """PostgreSQL 15 or pgBackRest is not installed and could not be fetched from Debian's packages."""


_POSTGRESQL = DebianPackages("PostgreSQL 15", "postgresql-15", "postgresql(-client)?-15|libpq5", NoPgBackRest)
_PGBACKREST = DebianPackages("pgBackRest", "pgbackrest", "pgbackrest|libpq5", NoPgBackRest)


@dataclass
class ArchivingPostgres(Postgres):
    """PostgreSQL that archives its log with pgBackRest into a repository beside its data."""

    major_version: ClassVar[int] = _VERSION
    locale: ClassVar[Sequence[str]] = ("--locale=C.UTF-8",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.repository = self.home.with_name("repository")
        self.configuration = self.home / "pgbackrest.conf"
        self._env |= self.environment  # of the restore_command
        self.settings = {
            "wal_level": "replica",
            "max_wal_senders": "3",
            "archive_mode": "on",
            "archive_command": "pgbackrest --stanza=shop archive-push %p",
            "archive_timeout": str(ARCHIVE_TIMEOUT),
        }

    def programs(self) -> Path:
        """Return the folder of the server's programs."""
        return _installed_or_unpacked(Path("/", _FOLDER), "postgresql-15-programs", _FOLDER, _POSTGRESQL)

    def pgbackrest(self) -> Path:
        """Return pgBackRest."""
        installed = Path(shutil.which("pgbackrest") or "/usr/bin/pgbackrest")
        return _installed_or_unpacked(installed, "pgbackrest-programs", "usr/bin/pgbackrest", _PGBACKREST)

    @property
    def environment(self) -> dict[str, str]:
        """Environment in which pgBackRest is found, with its configuration and a way to the server."""
        return {
            "PATH": f"{self.pgbackrest().parent}:/usr/bin:/bin",
            "PGBACKREST_CONFIG": str(self.configuration),
            "PGHOST": LOOPBACK,
        }

    def configure(self) -> None:
        """Write pgBackRest's configuration, for the port that the server has now."""
        make_open_folder(self.repository.parent)
        for folder in ("", "log", "lock", "spool"):
            path = self.repository / folder
            path.mkdir(mode=0o700, exist_ok=True)
            self.chown_to_server(path)
        self.configuration.touch(mode=0o644)
        self.configuration.write_text(
            f"[global]\nrepo1-path={self.repository}\nlog-path={self.repository}/log\n"
            f"lock-path={self.repository}/lock\nspool-path={self.repository}/spool\n"
            "start-fast=y\nlog-level-console=warn\nprocess-max=2\nrepo1-retention-full=2\n"
            f"compress-type=lz4\n[shop]\npg1-path={self.data}\npg1-port={self.port}\npg1-user={SUPERUSER}\n"
        )

    @property
    def password(self) -> str:
        """The superuser's password."""
        return self._password(SUPERUSER)

    def wait_writable(self, timeout: float = 120.0) -> None:
        """Wait until a recovery has ended, and the server takes writes."""
        deadline = time.monotonic() + timeout
        with psycopg.connect(self.url("postgres"), autocommit=True) as session:
            while session.execute("select pg_is_in_recovery()").fetchone() != (False,):
                if time.monotonic() > deadline:
                    raise ServerFailed("PostgreSQL", "has not recovered in time", self.log)
                time.sleep(0.1)

    def erase(self) -> None:
        """Remove all data, and the repository."""
        super().erase()
        shutil.rmtree(self.repository, ignore_errors=True)


def _installed_or_unpacked(installed: Path, tree: str, part: str, packages: DebianPackages) -> Path:
    if installed.exists():
        return installed
    found = servers_home(None) / tree
    if not (found / part).exists():
        packages.unpack(found, lambda new, final: None)
    return found / part
