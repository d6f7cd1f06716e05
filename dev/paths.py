"""Paths: the checkout, its ``var/`` folder, and the data folders of private servers."""

import hashlib
import os
import pwd
import stat
import tempfile
from pathlib import Path

from dev.errors import ScriptError

ROOT = Path(__file__).resolve().parents[1]
VAR = ROOT / "var"
LOGS = VAR / "log"


def make_private_file(path: Path, text: str) -> None:
    """Write a file with mode 0600 from its creation on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)  # a file from before
    with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
        file.write(text)


def make_open_folder(path: Path) -> None:
    """Create a folder, and those above it, that every user may traverse."""
    if not path.exists():
        make_open_folder(path.parent)
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    elif path.stat().st_uid == os.geteuid() and any(map(path.is_relative_to, (VAR, _path_elsewhere()))):
        make_open_folder(path.parent)
        path.chmod(0o755)  # made under a strict umask, as by another server


def is_open_to_all(path: Path) -> bool:
    """Return True if every user may execute ``path`` and traverse all folders above it."""
    return all(p.stat().st_mode & stat.S_IXOTH for p in (path, *path.parents))


def servers_home(user: pwd.struct_passwd | None) -> Path:
    """Return the data folder of private servers that run as ``user`` (None: as the current user).

    It is ``var/`` of the checkout. If ``user`` cannot reach it, or if its path is long or contains a space,
    which the servers' own scripts cannot handle, it is a folder of this checkout below ``/var/tmp``.
    """
    VAR.mkdir(exist_ok=True)
    plain = " " not in str(VAR) and len(str(VAR)) < 80
    if plain and (user is None or is_open_to_all(VAR)):
        return VAR
    return _home_elsewhere()


def _path_elsewhere() -> Path:
    checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    parent = Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108
    return parent / f"shop-{os.geteuid()}-{checkout}"


def _home_elsewhere() -> Path:
    home = _path_elsewhere()
    home.mkdir(mode=0o755, exist_ok=True)
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ScriptError(
            f"{home} belongs to another user, but servers would keep their data there: remove it."
        )
    home.chmod(0o755)
    return home
