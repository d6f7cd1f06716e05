"""Settings of accounts, read from the environment."""

import os
from ipaddress import ip_network
from typing import Any


def account_settings() -> dict[str, Any]:
    """Return the settings of accounts."""
    return {
        #: Networks of the proxies whose X-Forwarded-For counts.
        "SHOP_TRUSTED_PROXIES": [ip_network(network) for network in _listed("SHOP_TRUSTED_PROXIES")],
    }


def security_logging(file: str) -> dict[str, dict[str, Any]]:
    """Return formatter, handler and logger of the security log: in a file, or on stderr without one."""
    handler: dict[str, Any] = {"class": "logging.StreamHandler"}
    if file:
        handler = {"()": "shop.accounts.private_file.PrivateFileHandler", "filename": file}
    return {
        "formatters": {
            "security": {
                "()": "shop.accounts.private_file.UtcFormatter",
                "format": "{asctime} {levelname} {name}: {message}",
                "style": "{",
            }
        },
        "handlers": {"security": {**handler, "formatter": "security"}},
        "loggers": {"shop.security": {"handlers": ["security"], "level": "INFO", "propagate": False}},
    }


def _listed(name: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]
