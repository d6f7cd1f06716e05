"""The Chromium for browser tests: the one that the system has. Nothing is downloaded."""

import shutil
from collections.abc import Mapping

#: Program names of Chromium on the supported systems.
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: Advice for a machine without one.
REMEDY = "Install one with `apt-get install chromium`, or set CHROMIUM to the path of one."


def find_chromium(env: Mapping[str, str]) -> str | None:
    """Return the program that ``CHROMIUM`` names, else the first one on the path, else None."""
    return env.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
