"""Failures of a provider's API in the words of a mail server, which the port and Django's callers know.

Messages name provider, status and code. The provider's own words may contain an address: they stand in the
refusal of that address alone, which is kept with the message and not logged.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from smtplib import SMTPRecipientsRefused
from typing import Any, NoReturn

from anymail.exceptions import (
    AnymailAPIError,
    AnymailConfigurationError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)

from notifications.anymail.providers import Provider

#: Code of SMTP for an address that is refused for good.
_REFUSED = 550
_REMEDIES = {
    401: "check SHOP_MAIL_API_KEY",
    402: "the account has no credit left: fund it in the provider's dashboard",
    403: "check the rights of SHOP_MAIL_API_KEY, and that DEFAULT_FROM_EMAIL is a verified sender",
    404: "check SHOP_MAIL_API_URL, and that the domain of DEFAULT_FROM_EMAIL is known to the provider",
}
_ACCOUNT = "check sender, domain and state of the account in the provider's dashboard"
#: Statuses with which a provider says that it is not able to answer now. 409: the same message is under way.
_BUSY = {408, 409, 425, 429}
_OF_THE_MESSAGE = (AnymailInvalidAddress, AnymailUnsupportedFeature, AnymailSerializationError)


class MailProviderError(OSError):
    """The provider takes no messages, and may have taken this one."""


class ProviderUnavailable(MailProviderError):
    """The provider does not answer, is busy or broken."""


class ProviderMisconfigured(MailProviderError):
    """The provider refuses the account, or what the shop sends in its name; a person has to mend it."""


@contextmanager
def translated(provider: Provider, address: str) -> Iterator[None]:
    """Raise errors of a mail server for those of Anymail, about a message to an address.

    A message that the provider knows already by its key counts as accepted.

    Raises:
        SMTPRecipientsRefused: the provider will never take a message to this address.
        ProviderUnavailable, ProviderMisconfigured: it takes none at present.
    """
    try:
        yield
    except AnymailRecipientsRefused as error:
        _refuse(address, f"{error.esp_name} refuses the address: {_words(error) or 'it is on its list'}")
    except AnymailAPIError as error:
        if not _is_known(provider, error):
            raise _translate(provider, address, error) from None
    except _OF_THE_MESSAGE as error:
        if "from_email" in str(error):
            raise ProviderMisconfigured(f"check DEFAULT_FROM_EMAIL: {error}") from None
        _refuse(address, f"{type(error).__name__}: {error}")
    except (AnymailError, AnymailConfigurationError) as error:
        raise ProviderMisconfigured(f"{type(error).__name__}: {error.args[0]}") from None


def _translate(provider: Provider, address: str, error: AnymailAPIError) -> Exception:
    status = error.status_code
    if status is None:
        return ProviderUnavailable(f"no answer from {provider.name}: {type(error.__cause__).__name__}")
    said = _describe(provider, error)
    if status in _BUSY or status >= 500 or 200 <= status < 400:
        return ProviderUnavailable(said)
    if status == 413 or provider.refuses.search(_words(error)):
        return _refusal(address, f"{said}: {_words(error)}")
    return ProviderMisconfigured(f"{said}: {_REMEDIES.get(status, _ACCOUNT)}")


def _is_known(provider: Provider, error: AnymailAPIError) -> bool:
    is_refused = error.status_code in {400, 409}
    return is_refused and bool(provider.known) and _code(error).startswith(provider.known)


def _describe(provider: Provider, error: AnymailAPIError) -> str:
    return " ".join(filter(None, [f"{provider.name} answered {error.status_code}", _code(error)]))


def _refuse(address: str, reason: str) -> NoReturn:
    raise _refusal(address, reason) from None


def _refusal(address: str, reason: str) -> SMTPRecipientsRefused:
    return SMTPRecipientsRefused({address: (_REFUSED, reason.encode())})


def _code(error: AnymailAPIError) -> str:
    """Return the provider's code of an error, which names no person."""
    said = _answer(error)
    code = str(said.get("code") or said.get("name") or said.get("ErrorCode") or "")
    return code if len(code) < 50 and code.isprintable() else ""


def _words(error: AnymailError) -> str:
    said = _answer(error)
    return str(said.get("message") or said.get("Message") or "")


def _answer(error: AnymailError) -> dict[str, Any]:
    """Return the body of an answer; nothing if it is no object in JSON."""
    try:
        said = error.response.json()
    except (AttributeError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
