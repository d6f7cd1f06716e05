"""Settings of accounts, read from the environment."""

import os
from ipaddress import ip_network
from typing import Any

from shop.environment import days, flag, listed, number


def account_settings() -> dict[str, Any]:
    """Return the settings of accounts."""
    return {
        #: Staff does nothing before it has enrolled a second factor.
        "SHOP_REQUIRE_TWO_FACTOR": flag("SHOP_REQUIRE_TWO_FACTOR"),
        #: Name of the shop in authenticator apps.
        "OTP_TOTP_ISSUER": os.environ.get("SHOP_NAME", "shop"),
        #: Networks of the proxies whose X-Forwarded-For counts.
        "SHOP_TRUSTED_PROXIES": [ip_network(network) for network in listed("SHOP_TRUSTED_PROXIES")],
        #: URL of the Redis that counts requests; the database counts them if it is empty.
        "SHOP_CACHE_URL": os.environ.get("SHOP_CACHE_URL", ""),
        # Limits; 0 is none.
        #: Failed logins from an address in a quarter of an hour, whatever the accounts.
        "SHOP_LOGINS_AN_ADDRESS": number("SHOP_LOGINS_AN_ADDRESS", 50),
        #: Registrations from an address in an hour.
        "SHOP_REGISTRATIONS_AN_ADDRESS": number("SHOP_REGISTRATIONS_AN_ADDRESS", 10),
        #: Requests to the REST API in a minute, of an address without an account.
        "SHOP_ANONYMOUS_REQUESTS_A_MINUTE": number("SHOP_ANONYMOUS_REQUESTS_A_MINUTE", 300),
        #: Requests to the REST API in a minute, of an account; orders have a limit of their own.
        "SHOP_REQUESTS_A_MINUTE": number("SHOP_REQUESTS_A_MINUTE", 600),
        #: Orders of a customer in a minute.
        "SHOP_ORDERS_A_MINUTE": number("SHOP_ORDERS_A_MINUTE", 60),
        #: Time for which the link of a letter opens the page of its order, and for which it permits changes.
        "SHOP_ORDER_LINK_LIFETIME": days("SHOP_ORDER_LINK_DAYS", 90),
        "SHOP_ORDER_LINK_CHANGES": days("SHOP_ORDER_LINK_CHANGES_DAYS", 3),
        #: The second one is for sessions from before there was a guard.
        "AUTHENTICATION_BACKENDS": [
            "shop.accounts.login_guard.LoginGuard",
            "django.contrib.auth.backends.ModelBackend",
        ],
        "PASSWORD_HASHERS": ["shop.accounts.hashing.OneAtATimeHasher"],
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
