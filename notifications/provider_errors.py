"""Errors of e-mail backends that call a provider's API, told apart by the status of its answer.

Such backends have exception classes of their own, and none is required here.
"""

from typing import Any

#: Statuses of an answer that concerns the one request: malformed, too large, or not to be processed. Others,
#: such as 401 and 429, concern the account or the provider as a whole.
_OF_ONE_REQUEST = frozenset({400, 413, 422})


def refuses_one_email(error: Exception) -> bool:
    """Tell whether a provider refuses this e-mail for good, rather than being unable to take any."""
    names = [kind.__name__ for kind in type(error).__mro__]
    return any(name.endswith("RecipientsRefused") for name in names) or _status(error) in _OF_ONE_REQUEST


def _status(error: Any) -> Any:
    """Return the HTTP status as the usual clients carry it, or None."""
    if (status := getattr(error, "status_code", None)) is not None:
        return status
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return getattr(response, "status_code", None)
