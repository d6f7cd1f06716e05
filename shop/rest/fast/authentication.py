"""Authentication by an API key, with one plain SQL statement for key and owner."""

from functools import cache
from hmac import compare_digest
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from shop.accounts.api_keys import PREFIX, WELL_FORMED, digest_of, note_use
from shop.accounts.models import PREFIX_LENGTH, ApiKey


class TokenAuthentication(BaseAuthentication):
    """Authentication by ``Authorization: Bearer shop_…``, ``Token shop_…``, or the bare key.

    Key and owner are looked up at every request, so that a revocation, a change of the password or a
    deactivation is effective at once.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the owner and the key of a request; None if it has no key."""
        scheme, _, text = get_authorization_header(request).decode("latin-1").strip().partition(" ")
        if scheme.startswith(PREFIX):
            return self.authenticate_credentials(scheme)
        return self.authenticate_credentials(text.strip()) if scheme.lower() in {"bearer", "token"} else None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="shop", Token realm="shop"'

    def authenticate_credentials(self, text: str) -> tuple[User, ApiKey]:
        """Return the active owner of a key, and the key.

        Raises:
            AuthenticationFailed: the key opens nothing; the message tells its owner why.
        """
        found = _look_up(text) if WELL_FORMED(text) else None
        if found is None or not compare_digest(found.key.digest, digest_of(text)):
            raise AuthenticationFailed("Invalid token.")
        user, key, is_live, is_long_unused = found
        if not user.is_active:
            raise AuthenticationFailed("User inactive or deleted.")
        if not is_live or key.password_digest != digest_of(user.password):
            raise AuthenticationFailed("This key has ended: make a new one.")
        if is_long_unused:
            note_use(key)
        return user, key


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Description of the keys in the OpenAPI document; Swagger asks for the bare key."""

    target_class = TokenAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "shop_…",
            "description": "An API key, by `POST /api/v1/token` or from the account's page. `Token` works as"
            " well as `Bearer`.",
        }


class _Found(NamedTuple):
    user: User
    key: ApiKey
    is_live: bool
    is_long_unused: bool


#: Columns of a key that requests need. Times are compared in SQL: to read one costs as much as two digests.
_KEY_FIELDS = ["id", "user_id", "prefix", "digest", "password_digest", "scopes"]


def _look_up(text: str) -> _Found | None:
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [text[:PREFIX_LENGTH]])
        row = cursor.fetchone()
    if row is None:
        return None
    user_fields = _user_fields()
    user = User.from_db(connection.alias, user_fields, row[: len(user_fields)])
    key = ApiKey.from_db(connection.alias, _KEY_FIELDS, row[len(user_fields) : -2])
    key.user = user
    return _Found(user, key, *row[-2:])


@cache
def _statement() -> str:
    columns = [f"auth_user.{name}" for name in _user_fields()]
    columns += [f"accounts_apikey.{name}" for name in _KEY_FIELDS]
    return (
        f"SELECT {', '.join(columns)}, expires_at > now(),"  # noqa: S608 - names of columns
        " last_used_at IS NULL OR last_used_at < now() - interval '1 minute' FROM accounts_apikey"
        " JOIN auth_user ON auth_user.id = accounts_apikey.user_id WHERE accounts_apikey.prefix = %s"
    )


@cache
def _user_fields() -> list[str]:
    return [field.attname for field in User._meta.concrete_fields]
