"""Strength of the secret key, without which no process starts."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

#: Hosts that nobody reaches from another machine; ``testserver`` is that of Django's test client.
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", ".localhost", "testserver"}
#: Key of tools and checks, which is in the source and so known to everybody.
KNOWN_KEY = "insecure-key-for-tests-and-tools-only"
#: Characters, and different ones among them: what ``check --deploy`` asks for.
_LENGTH, _DIFFERENT = 50, 5
_REMEDY = (
    "Set DJANGO_SECRET_KEY to a random value of its own, such as that of "
    '`python -c "import secrets; print(secrets.token_urlsafe(48))"`.'
)


class WeakSecretKey(ImproperlyConfigured):
    """The secret key is missing, short or known."""

    def __init__(self, weakness: str) -> None:
        super().__init__(f"{weakness} {_REMEDY}")


def require_secret_key() -> None:
    """Raise WeakSecretKey unless the secret key is secret.

    In DEBUG on local hosts alone, as for tools, any key will do.
    """
    if settings.DEBUG and not foreign_hosts():
        return
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:  # Django's own message names no remedy
        raise WeakSecretKey("There is no secret key.") from None
    if KNOWN_KEY in {key, *settings.SECRET_KEY_FALLBACKS}:
        raise WeakSecretKey("The secret key is the known one from the source.")
    if len(key) < _LENGTH or len(set(key)) < _DIFFERENT:
        raise WeakSecretKey(f"The secret key is weak: at least {_LENGTH} characters, {_DIFFERENT} different.")


def foreign_hosts() -> list[str]:
    """Return the ALLOWED_HOSTS that other machines may reach."""
    return sorted(set(settings.ALLOWED_HOSTS) - LOCAL_HOSTS)
