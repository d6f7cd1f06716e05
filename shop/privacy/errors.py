"""Errors of privacy."""

from shop.messaging.errors import PermanentFailure


class PrivacyError(Exception):
    """Base of the errors of privacy."""


class UnknownSubject(PrivacyError, PermanentFailure):
    """No key of a data subject is known: it was made after the back-up that was restored."""


class SealBroken(PrivacyError, PermanentFailure):
    """A sealed text cannot be opened: it is damaged, or sealed for another event, subject or purpose."""


class UnknownInstallationKey(PrivacyError):
    """A key was wrapped by a key of the installation that SHOP_PRIVACY_KEYS does not name."""
