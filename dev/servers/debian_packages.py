"""Programs from Debian's packages, unpacked without root. Nothing is installed."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dev.console import say
from dev.errors import ScriptError, last_lines

_NO_OTHERS = [
    f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
]


@dataclass(frozen=True)
class DebianPackages:
    """A program's packages: ``package``, and those of its dependencies that match ``names``.

    Their other dependencies are expected to be on the machine.
    """

    #: Name of the program, for messages.
    program: str
    package: str
    #: Regular expression of the packages to unpack.
    names: str
    #: Error if the program can be had in no way.
    error: type[ScriptError]

    def unpack(self, tree: Path, relocate: Callable[[Path, Path], None]) -> None:
        """Unpack them as ``tree``, which appears when it is complete.

        Args:
            tree: folder that takes the place of the root folder.
            relocate: is called with the unfinished tree and ``tree``, to replace fixed paths.
        """
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise self.error(
                f"{self.program} is not installed, and this is no Debian or Ubuntu to fetch it from."
            )
        say(f"Fetching {self.program} from Debian's packages, once ...")
        work = tree.with_name(f"{tree.name}.new")
        for folder in (work, tree):
            shutil.rmtree(folder, ignore_errors=True)
        debs, new = work / "debs", work / "tree"
        for folder in (debs, new, work / "lists/partial", work / "cache/archives/partial"):
            folder.mkdir(parents=True)
        self._download(work, debs)
        for deb in sorted(debs.glob("*.deb")):
            self._run(["dpkg-deb", "--extract", str(deb), str(new)], work, cwd=debs)
        relocate(new, tree)
        new.rename(tree)
        shutil.rmtree(work)

    def _download(self, work: Path, debs: Path) -> None:
        options = {
            "Dir::State": work,
            "Dir::State::Lists": work / "lists",
            "Dir::State::status": "/var/lib/dpkg/status",
            "Dir::Cache": work / "cache",
            "APT::Sandbox::User": "",
            "Debug::NoLocking": 1,
        }
        flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        self._run(["apt-get", *flags, "-qq", "update"], work, cwd=debs)
        depends = ["apt-cache", *flags, "depends", "--recurse", *_NO_OTHERS, self.package]
        listed = self._run(depends, work, cwd=debs)
        packages = sorted(set(re.findall(rf"^({self.names})$", listed, re.MULTILINE)))
        self._run(["apt-get", *flags, "-qq", "download", *packages], work, cwd=debs)

    def _run(self, argv: list[str], work: Path, *, cwd: Path) -> str:
        """Run a command and return its output. Raises the error of this program if it fails."""
        log = work / "log"
        with log.open("a") as errors:
            done = subprocess.run(
                argv,
                cwd=cwd,
                env=os.environ | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                check=False,
            )
        if done.returncode:
            raise self.error(
                f"{self.program} is not installed, and fetching Debian's packages of it failed"
                f" at `{argv[0]}`:\n{last_lines(log, 5)}"
            )
        return done.stdout
