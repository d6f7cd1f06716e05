"""RabbitMQ's programs: installed ones, else Debian's packages unpacked without root."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dev.console import say
from dev.errors import NoRabbitMQ, last_lines

#: Programs of Debian and Ubuntu. Their wrappers in /usr/sbin would change the user.
_INSTALLED = Path("/usr/lib/rabbitmq/bin")
_MIRROR_FAILED = "RabbitMQ is not installed, and fetching Debian's packages of it failed"


@dataclass(frozen=True)
class RabbitPrograms:
    """Folders of RabbitMQ's and Erlang's programs."""

    rabbitmq: Path
    erlang: Path

    def exist(self) -> bool:
        return (self.rabbitmq / "rabbitmq-server").exists() and (self.erlang / "epmd").exists()


def rabbitmq_programs(home: Path) -> RabbitPrograms:
    """Return the installed RabbitMQ, or unpack one below ``home``. Raises NoRabbitMQ if both fail."""
    installed = RabbitPrograms(_INSTALLED, Path(shutil.which("erl") or "/usr/bin/erl").parent)
    if installed.exist():
        return installed
    return unpacked_programs(home)


def unpacked_programs(home: Path) -> RabbitPrograms:
    """Unpack Debian's packages of RabbitMQ and Erlang below ``home``, once. Nothing is installed."""
    tree = home / "rabbitmq-programs"
    programs = RabbitPrograms(tree / "usr/lib/rabbitmq/bin", tree / "usr/lib/erlang/bin")
    if not programs.exist():
        if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
            raise NoRabbitMQ("RabbitMQ is not installed, and this is no Debian or Ubuntu to fetch it from.")
        _unpack(home / "rabbitmq-programs.new", tree)
    return programs


def _unpack(work: Path, tree: Path) -> None:
    say("Fetching RabbitMQ and Erlang from Debian's packages, once ...")
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(tree, ignore_errors=True)
    debs, new = work / "debs", work / "tree"
    for folder in (debs, new, work / "lists/partial", work / "cache/archives/partial"):
        folder.mkdir(parents=True)
    _download(work, debs)
    for deb in sorted(debs.glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(deb), str(new)], work, cwd=debs)
    _set_erlang_root(new, tree)
    new.rename(tree)
    shutil.rmtree(work)


def _download(work: Path, debs: Path) -> None:
    options = {
        "Dir::State": work,
        "Dir::State::Lists": work / "lists",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": 1,
    }
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    _run(["apt-get", *flags, "-qq", "update"], work, cwd=debs)
    no_others = ["recommends", "suggests", "conflicts", "breaks", "replaces", "enhances"]
    depends = ["apt-cache", *flags, "depends", "--recurse", *(f"--no-{kind}" for kind in no_others)]
    listed = _run([*depends, "rabbitmq-server"], work, cwd=debs)
    # Their other dependencies are present on any machine with Python.
    packages = sorted(set(re.findall(r"^(rabbitmq-server|erlang-[a-z0-9-]+)$", listed, re.MULTILINE)))
    _run(["apt-get", *flags, "-qq", "download", *packages], work, cwd=debs)


def _set_erlang_root(new: Path, final: Path) -> None:
    """Replace the fixed path in Erlang's start scripts."""
    erlang = new / "usr/lib/erlang"
    for script in (*erlang.glob("bin/*"), *erlang.glob("erts-*/bin/*")):
        if script.name in {"erl", "start"} and not script.is_symlink():
            text = script.read_text()
            script.write_text(text.replace("ROOTDIR=/usr/lib/erlang", f'ROOTDIR="{final}/usr/lib/erlang"'))


def _run(argv: list[str], work: Path, *, cwd: Path) -> str:
    """Run a command and return its output. Raises NoRabbitMQ if it fails."""
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
        raise NoRabbitMQ(f"{_MIRROR_FAILED} at `{argv[0]}`:\n{last_lines(log, 5)}")
    return done.stdout
