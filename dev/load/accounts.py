"""Products, stock and customers of a run, created by ``manage.py import_catalogue``."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from dev.paths import VAR, make_private_file


class Shop(Protocol):
    """A shop that can run management commands."""

    def run_python(self, *arguments: str | Path, name: str) -> Path: ...


def provide(
    shop: Shop,
    *,
    products: Sequence[Mapping[str, Any]],
    customers: Mapping[str, str],
    reason: str,
    unknown_addresses: bool = False,
) -> dict[str, str]:
    """Ensure that products and customers (user name -> full name) exist; return API tokens by user name.

    No limit on requests and orders holds for these customers. With ``unknown_addresses`` their tokens are for
    orders alone, and may leave the address open.
    """
    wanted, tokens = VAR / f"wanted-{os.getpid()}.json", VAR / f"tokens-{os.getpid()}.json"
    try:
        make_private_file(
            wanted, json.dumps({"products": [*products], "customers": {**customers}, "reason": reason})
        )
        options: list[str | Path] = ["--tokens", tokens, "--without-limits"]
        options += ["--unknown-addresses"] if unknown_addresses else []
        shop.run_python("manage.py", "import_catalogue", wanted, *options, name="import_catalogue")
        found: dict[str, str] = json.loads(tokens.read_text())
        return found
    finally:
        wanted.unlink(missing_ok=True)
        tokens.unlink(missing_ok=True)
