"""Manifests of deploy/, parsed, and what the product reads from its environment."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from opentelemetry.sdk import environment_variables

from dev.paths import ROOT
from shop.messaging.heartbeat import FOLDER
from shop.settings import CONTEXTS

DEPLOY = ROOT / "deploy"
BASE, CLUSTER = DEPLOY / "kubernetes" / "base", DEPLOY / "kubernetes" / "cluster"
#: Kustomize's components: an overlay names those that it wants.
METRICS, TRACING = DEPLOY / "kubernetes" / "metrics", DEPLOY / "kubernetes" / "tracing"
BACKUP, RESTORE = DEPLOY / "kubernetes" / "backup", DEPLOY / "kubernetes" / "restore"
ENTRYPOINT = (DEPLOY / "entrypoint.sh").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
#: Arguments of the containers that run for good: one for each role, and for each context.
ROLES = {("web",), ("feed",), ("relay",), ("beat",), *(("worker", context) for context in CONTEXTS)}
#: Words of kubectl that are no resources.
_KUSTOMIZE = {"Kustomization", "Component"}
#: Functions whose first argument is the name of an environment variable.
_READERS = {"flag", "number", "listed", "seconds", "days", "get", "getenv"}
_PRODUCT = ("shop", "console", "storefront", *CONTEXTS)


def documents(folder: Path) -> list[dict[str, Any]]:
    """Return the resources of a folder of manifests."""
    files = [path for path in sorted(folder.glob("*.yaml")) if not path.name.endswith("example.yaml")]
    found = [document for path in files for document in yaml.safe_load_all(path.read_text())]
    return [one for one in found if isinstance(one, dict) and one["kind"] not in _KUSTOMIZE]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [one for one in documents(BASE) if one["kind"] in kinds]


def settings_file(folder: Path = BASE) -> dict[str, str]:
    """Return the settings of the ConfigMap."""
    lines = (folder / "settings.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))  # type: ignore[misc]


def secrets() -> dict[str, set[str]]:
    """Return the keys of each Secret that an operator has to make."""
    text = (BASE / "secrets.example.yaml").read_text()
    return {one["metadata"]["name"]: set(one["stringData"]) for one in yaml.safe_load_all(text)}


def shop_services() -> dict[str, dict[str, Any]]:
    """Return compose's services that run the shop's image."""
    return {name: one for name, one in COMPOSE["services"].items() if "localhost/shop" in one["image"]}


@cache
def variables() -> set[str]:
    """Return the environment variables that the product and the image's entry point read."""
    sources = [path for package in _PRODUCT for path in (ROOT / package).rglob("*.py")]
    read = {name for path in sources for name in _read_by(ast.parse(path.read_text()))}
    web = {"WEB_CONCURRENCY", "WEB_THREADS"}  # shop.serving puts these names together
    # OpenTelemetry reads them by itself.
    traces = {name for name in vars(environment_variables) if name.startswith(("OTEL_TRACES_", "OTEL_BSP_"))}
    return read | web | traces | {FOLDER} | set(re.findall(r"\$\{?([A-Z][A-Z_]+)", ENTRYPOINT))


def _read_by(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in _READERS:
            first: ast.AST = node.args[0]
        elif isinstance(node, ast.Subscript) and _name(node.value) == "environ":
            first = node.slice
        else:
            continue
        if isinstance(first, ast.Constant) and re.fullmatch(r"[A-Z][A-Z0-9_]+", str(first.value)):
            yield str(first.value)


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
