"""Settings of personal data, read from the environment."""

import os
from pathlib import Path
from typing import Any

from shop.environment import seconds


def privacy_settings(secret_keys: list[str], erasures_file: Path) -> dict[str, Any]:
    """Return the settings, by default with the secret keys of the site and this file."""
    keys = os.environ.get("SHOP_PRIVACY_KEYS")
    return {
        #: Secrets that wrap the keys of data subjects: the first wraps, all unwrap.
        "SHOP_PRIVACY_KEYS": secret_keys if keys is None else keys.split(","),
        #: Time for which a process remembers the key of a data subject, a destroyed one too.
        "SHOP_DATA_KEY_LIFETIME": seconds("SHOP_DATA_KEY_LIFETIME_SECONDS", 60),
        #: Ids of the data subjects who were forgotten, kept apart from what is backed up.
        "SHOP_ERASURES_FILE": os.environ.get("SHOP_ERASURES_FILE", str(erasures_file)),
    }
