"""Errors of erasures."""


class ErasureError(Exception):
    """The customer cannot be forgotten."""


class NoSuchCustomer(ErasureError):
    """There is no such account."""


class StaffAccount(ErasureError):
    """Staff are not forgotten: what they did is recorded under their names. Take their rights away first."""
