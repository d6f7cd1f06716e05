"""A headless Chromium for tests: the one that the system has. Nothing is downloaded."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright import sync_api

from dev.chromium import REMEDY, find_chromium
from tests.support.servers import in_ci

#: Quiet, and as root as well.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of Chromium. Without one the test is skipped; in CI it fails."""
    found = find_chromium(os.environ)
    if not found:
        (pytest.fail if in_ci() else pytest.skip)(f"There is no Chromium. {REMEDY}")
    return found


@pytest.fixture
def open_browser(chromium: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a browser of the test's own with a fresh profile: ``page = open_browser(base_url=...)``.

    Use it after all database queries: while it is open, Django refuses this thread the database.
    """
    with sync_api.sync_playwright() as playwright:

        def open_page(**options: Any) -> Any:
            context = playwright.chromium.launch_persistent_context(
                str(tmp_path / "profile"), executable_path=chromium, args=ARGUMENTS, **options
            )
            context.set_default_timeout(15_000)
            return context.pages[0]

        yield open_page
