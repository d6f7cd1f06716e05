"""A Chromium for tests, the one that the system has: nothing is downloaded."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

#: What Chromium is called on the systems that we know.
NAMES = ("chromium", "chromium-browser", "google-chrome")
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
    """Where Chromium is; ``CHROMIUM`` in the environment says so, else the path is searched."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), "")
    if not found:
        pytest.skip("no Chromium here, so the pages are not tested in a browser: apt install chromium")
    return found


@pytest.fixture
def open_browser(chromium: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a browser of the test's own with a fresh profile: ``page = open_browser(base_url=...)``.

    Use it after all that asks the database: while it is open, Django refuses this thread the database.
    """
    api = pytest.importorskip("playwright.sync_api", reason="no Playwright: install requirements-dev.txt")
    with api.sync_playwright() as playwright:

        def open_page(**options: Any) -> Any:
            context = playwright.chromium.launch_persistent_context(
                str(tmp_path / "profile"), executable_path=chromium, args=ARGUMENTS, **options
            )
            context.set_default_timeout(15_000)
            return context.pages[0]

        yield open_page
