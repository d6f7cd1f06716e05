"""Products, stock and customers that a run needs, made through the shop's own command."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dev.paths import VAR, make_private_file


class Shop(Protocol):
    """A shop in whose environment commands can be run."""

    def run_python(self, *arguments: str | Path, name: str) -> Path: ...


def provide(
    shop: Shop, *, products: Sequence[Mapping[str, Any]], customers: Mapping[str, str], reason: str
) -> dict[str, str]:
    """Make sure of ``products`` with stock and ``customers`` (user name -> full name); return API tokens."""
    wanted, tokens = VAR / f"wanted-{os.getpid()}.json", VAR / f"tokens-{os.getpid()}.json"
    try:
        make_private_file(
            wanted, json.dumps({"products": [*products], "customers": {**customers}, "reason": reason})
        )
        shop.run_python("manage.py", "import_catalogue", wanted, "--tokens", tokens, name="import_catalogue")
        found: dict[str, str] = json.loads(tokens.read_text())
        return found
    finally:
        wanted.unlink(missing_ok=True)
        tokens.unlink(missing_ok=True)
