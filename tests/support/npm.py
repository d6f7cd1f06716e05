"""Packages of npm for tests that ask a program of its authors, in the long run alone."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.paths import VAR
from tests.support.servers import in_ci


def folder_with(*packages: str) -> Path:
    """Return a folder where node finds packages of these versions, or skip the test.

    Args:
        packages: names with versions, as in ``@asyncapi/parser@3.6.0``.
    """
    if "SHOP_TEST_LONG" not in os.environ:
        pytest.skip(f"it fetches {packages[0]} from npm: script/test --long")
    if not (npm := shutil.which("npm")):
        (pytest.fail if in_ci() else pytest.skip)("there is no node and npm here: install nodejs and npm")
    home = VAR / "node"
    home.mkdir(parents=True, exist_ok=True)
    argv = [npm, "install", "--no-save", "--no-audit", "--ignore-scripts", "--prefix", home, *packages]
    subprocess.run(argv, check=True, capture_output=True)
    return home
