"""Packages of the npm registry, fetched without npm and pinned by their hash."""

import hashlib
import os
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.errors import ScriptError
from dev.paths import ROOT

_REGISTRY = "https://registry.npmjs.org"
_TIMEOUT = 60


@dataclass(frozen=True)
class NpmPackage:
    """One version of a package."""

    name: str
    version: str
    sha256: str

    def fetch(self, folder: Path) -> Path:
        """Return the tarball in ``folder``, downloaded unless it is there. Raises ScriptError.

        The registry is npm's: ``npm_config_registry``, else ``registry`` of .npmrc in the checkout or in the
        home folder, else the public one.
        """
        file = folder / f"{self.name}-{self.version}.tgz"
        if not file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            new = file.with_suffix(".new")
            new.write_bytes(self._download(file))
            new.rename(file)
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if found != self.sha256:
            raise ScriptError(f"{file} has the hash {found} instead of {self.sha256}: remove it.")
        return file

    def _download(self, file: Path) -> bytes:
        settings = npm_settings(os.environ)
        registry = settings.get("registry", _REGISTRY).rstrip("/")
        url = f"{registry}/{self.name}/-/{self.name}-{self.version}.tgz"
        if not url.startswith(("https://", "http://")):
            raise ScriptError(f"npm's setting registry is no URL: {registry}")
        context = ssl.create_default_context(cafile=settings.get("cafile"))
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT, context=context) as answer:  # noqa: S310
                return bytes(answer.read())
        except OSError as error:
            raise ScriptError(
                f"{url} cannot be fetched ({error}). Name a registry that can be reached in"
                f" npm_config_registry, or put the file there yourself: {file}"
            ) from None


def npm_settings(env: Mapping[str, str]) -> dict[str, str]:
    """Return npm's settings ``registry`` and ``cafile``, as far as they are given."""
    settings: dict[str, str] = {}
    home = Path(env.get("HOME", "/"))
    for file in (Path(env.get("npm_config_userconfig", home / ".npmrc")), ROOT / ".npmrc"):
        settings |= _read(file)
    given = {name.lower(): value for name, value in env.items() if value}
    for name in ("registry", "cafile"):
        if value := given.get(f"npm_config_{name}"):
            settings[name] = value
    return settings


def _read(file: Path) -> dict[str, str]:
    if not file.is_file():
        return {}
    lines = (line.partition("=") for line in file.read_text().splitlines())
    found = {name.strip(): value.strip().strip("\"'") for name, _, value in lines}
    return {name: found[name] for name in ("registry", "cafile") if name in found}
