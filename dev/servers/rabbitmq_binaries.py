"""RabbitMQ's programs: installed ones, else Debian's packages unpacked without root."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from dev.errors import NoRabbitMQ
from dev.servers.debian_packages import DebianPackages

#: Programs of Debian and Ubuntu. Their wrappers in /usr/sbin would change the user.
_INSTALLED = Path("/usr/lib/rabbitmq/bin")
_PACKAGES = DebianPackages("RabbitMQ", "rabbitmq-server", "rabbitmq-server|erlang-[a-z0-9-]+", NoRabbitMQ)


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
        _PACKAGES.unpack(tree, _set_erlang_root)
    return programs


def _set_erlang_root(new: Path, final: Path) -> None:
    """Replace the fixed path in Erlang's start scripts."""
    erlang = new / "usr/lib/erlang"
    for script in (*erlang.glob("bin/*"), *erlang.glob("erts-*/bin/*")):
        if script.name in {"erl", "start"} and not script.is_symlink():
            text = script.read_text()
            script.write_text(text.replace("ROOTDIR=/usr/lib/erlang", f'ROOTDIR="{final}/usr/lib/erlang"'))
