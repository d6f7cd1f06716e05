"""Private PostgreSQL server: a direct child process with a data folder of its own."""

import os
import secrets
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import sql

from dev.errors import ScriptError, ServerFailed
from dev.paths import make_open_folder, make_private_file
from dev.processes import children, ports
from dev.servers import ownership
from dev.servers.child_server import ChildServer
from dev.servers.postgres_binaries import MAJOR_VERSION, postgres_programs

SUPERUSER = "postgres"
_SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "UTC",
}
#: Settings without durability, for throw-away data: a crash of the machine may lose it.
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class Postgres(ChildServer):
    """PostgreSQL server with its data in ``home``, kept from one start to the next."""

    home: Path
    preferred_port: int = 25432
    durable: bool = True
    #: Settings beyond our own.
    settings: Mapping[str, str] = field(default_factory=dict)
    major_version: ClassVar[int] = MAJOR_VERSION
    #: Options of initdb.
    locale: ClassVar[Sequence[str]] = ("--locale-provider=builtin", "--locale=C.UTF-8")
    port: int = field(init=False, default=0)
    child: children.Child | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.data = self.home / "data"
        self.log = self.home / "log"
        self._user = children.unprivileged_user()
        self._env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": str(self.home)}

    def programs(self) -> Path:
        """Return the folder of the server's programs."""
        return postgres_programs(self._user)

    def url(self, database: str, role: str = SUPERUSER) -> str:
        """Return the URL of ``database`` for a role, password included."""
        return f"postgresql://{role}:{self._password(role)}@{ports.LOOPBACK}:{self.port}/{database}"

    def _launch(self, timeout: float) -> None:
        programs = self.programs()
        self._make_home()
        if not self.data.exists():
            self._make_data(programs)
        self._check_data()
        self.port = ports.pick(self.port or self.preferred_port)
        settings = {**_SETTINGS, **({} if self.durable else _NOT_DURABLE), **self.settings}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        argv: list[str | Path] = [programs / "postgres", "-D", self.data, "-p", str(self.port), *options]
        child = self.child = self._start_child(argv, self.log)
        ownership.wait_until_ready(
            "PostgreSQL", child, self._accepts_connections, log=self.log, timeout=timeout
        )

    def stop(self) -> None:
        """Shut down cleanly, ending all sessions (fast shutdown)."""
        if self.child:
            children.stop_children([self.child], by=signal.SIGINT, grace=30)

    def crash(self) -> None:
        """Shut down without a checkpoint (immediate shutdown). The next start runs crash recovery."""
        if self.child:
            children.stop_children([self.child], by=signal.SIGQUIT, grace=30)

    def erase(self) -> None:
        """Remove all data. The next start initialises a new cluster."""
        ownership.erase(self.home, self.data / "postmaster.pid", str(self.data))

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create the database ``name`` unless it exists, and return its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
            if not found:
                create = sql.SQL("create database {} template {}")
                connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop the database ``name``, ending its sessions."""
        drop = sql.SQL("drop database if exists {} with (force)")
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(drop.format(sql.Identifier(name)))

    def create_role(self, role: str) -> None:
        """Create a role that may log in and nothing else, unless it exists."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            found = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
            verb, password = sql.SQL("alter" if found else "create"), sql.Literal(self._password(role))
            change = sql.SQL("{} role {} login password {}").format(verb, sql.Identifier(role), password)
            connection.execute(change)

    def _password(self, role: str) -> str:
        """Return the password of a role, made once for each installation."""
        file = self.home / ("password" if role == SUPERUSER else f"password-{role}")
        if not file.exists():
            make_private_file(file, secrets.token_urlsafe(24))
        return file.read_text()

    def _make_home(self) -> None:
        make_open_folder(self.home)  # the server's user has to traverse it; data and password are closed

    def _make_data(self, programs: Path) -> None:
        """Run initdb in a folder that becomes ``data`` only when it is complete."""
        new, log = self.home / "data.new", self.home / "initdb.log"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        password_file = new.with_name("password.new")
        make_private_file(password_file, self._password(SUPERUSER))
        for path in (new, password_file):
            self.chown_to_server(path)
        options = ["-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={password_file}", "-E", "UTF8"]
        options += [*self.locale, *([] if self.durable else ["--no-sync"])]
        code = self._start_child([programs / "initdb", "-D", new, *options], log).wait()
        password_file.unlink()
        if code:
            raise ServerFailed("PostgreSQL", "could not make its data folder", log)
        new.rename(self.data)

    def _check_data(self) -> None:
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != str(self.major_version):
            raise ScriptError(
                f"{self.data} was created by PostgreSQL {version}, this is {self.major_version}: "
                "move it away."
            )
        ownership.wait_for_predecessor(self.data / "postmaster.pid", str(self.data))
        # After a crash its pid may belong to another program, which PostgreSQL would take for a server.
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _start_child(self, argv: list[str | Path], log: Path) -> children.Child:
        return children.start_child(
            argv, env=self._env, log=log, user=self._user, parent_death_signal=signal.SIGINT, cwd=Path("/")
        )

    def chown_to_server(self, path: Path) -> None:
        if self._user:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _accepts_connections(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
