"""The nginx for the test of its configuration: the one that the system has. Nothing is downloaded."""

import os
import shutil
from collections.abc import Mapping

#: Advice for a machine without one.
REMEDY = "Install one with `apt-get install nginx-light`, or set NGINX to the path of one."


def find_nginx(env: Mapping[str, str]) -> str | None:
    """Return the program that ``NGINX`` names, else the one that is installed, else None."""
    path = os.pathsep.join([env.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return env.get("NGINX") or shutil.which("nginx", path=path)
