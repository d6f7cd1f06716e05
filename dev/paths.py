"""Where things lie: the checkout, what it writes (``var/``), and where servers keep their data."""

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
    """Write a file that only its owner can read, from the first moment on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def is_open_to_all(path: Path) -> bool:
    """Whether every user may enter or run ``path``, and enter all folders above it."""
    return all(p.stat().st_mode & stat.S_IXOTH for p in (path, *path.parents))


def servers_home(user: pwd.struct_passwd | None) -> Path:
    """The folder for the data of private servers that run as ``user`` (None: as ourselves).

    It is ``var/`` of the checkout. Where ``user`` cannot get there, or where the path has characters that
    the servers' own scripts stumble over, it is a folder of the same meaning beside the system's temporary
    files that survive a restart.
    """
    VAR.mkdir(exist_ok=True)
    plain = " " not in str(VAR) and len(str(VAR)) < 80
    if plain and (user is None or is_open_to_all(VAR)):
        return VAR
    return _home_elsewhere()


def _home_elsewhere() -> Path:
    checkout = hashlib.sha256(str(ROOT).encode()).hexdigest()[:12]
    parent = Path("/var/tmp") if os.access("/var/tmp", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108
    home = parent / f"shop-{os.geteuid()}-{checkout}"
    home.mkdir(mode=0o755, exist_ok=True)
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ScriptError(f"{home} is not ours, but servers would keep their data there: remove it.")
    home.chmod(0o755)
    return home
