"""Errors of integrations, one class each."""


class IntegrationsError(Exception):
    """An error with an endpoint or a delivery."""


class InvalidEndpoint(IntegrationsError):
    """The endpoint cannot be stored as it is; ``field`` is what is wrong."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class TooManyEndpoints(IntegrationsError):
    """There are as many endpoints as there may be: delete one that is not used any more."""


class WrongState(IntegrationsError):
    """The endpoint is not in a state for this."""


class AddressRefused(IntegrationsError):
    """The address is not public, and no network of the settings names it."""
