"""Entities that the shop's event bus needs, as its own command prints them."""

import json
import os
import secrets
import subprocess
import sys
from typing import Any

from dev.errors import ScriptError
from dev.paths import ROOT


def shop_entities() -> dict[str, Any]:
    """Return the Config.json of ``manage.py servicebus_topology --emulator-config``."""
    argv = [sys.executable, "manage.py", "servicebus_topology", "--emulator-config", "--skip-checks"]
    env = os.environ | {"DJANGO_SECRET_KEY": secrets.token_urlsafe(48), "SHOP_EVENT_BUS": ""}
    done = subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise ScriptError(f"manage.py servicebus_topology failed: {done.stderr.strip()}")
    entities: dict[str, Any] = json.loads(done.stdout)
    return entities
