"""Services of API keys: make, revoke and end them.

A key is ``shop_`` and 51 random letters and digits: secret scanners find it by its beginning, and people
recognize it by the first thirteen characters, which are kept. Of the rest only a digest is kept.
"""

import re
import secrets
import string
from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from shop.accounts.models import PREFIX_LENGTH, ApiKey
from shop.accounts.security_log import record

#: Beginning of all keys made since they have one.
PREFIX = "shop_"
#: Keys, and tokens from before they had a beginning of their own (40 hexadecimal digits).
WELL_FORMED = re.compile(r"shop_[0-9A-Za-z]{51}|[0-9a-f]{40}").fullmatch
_ALPHABET = string.ascii_letters + string.digits
#: Number of characters behind the beginning: 8 public ones, and 43 with 256 bits of chance.
_RANDOM = 51
_NOTE_USE = """
    UPDATE accounts_apikey SET last_used_at = now()
    WHERE id = (SELECT id FROM accounts_apikey WHERE id = %s FOR UPDATE SKIP LOCKED)
"""
#: The most keys that a user has at a time.
MAX_KEYS = 50


class TooManyKeys(Exception):
    """You have 50 keys: revoke one that you do not use any more, then make a new one."""

    def __init__(self) -> None:
        super().__init__(gettext(str(self.__doc__)))


def digest_of(secret: str) -> str:
    """Return the digest under which a key, or the hash of a password, is remembered."""
    return sha256(secret.encode()).hexdigest()


def live_keys(user: User) -> "QuerySet[ApiKey]":
    """Return the keys of a user that open the API, newest first."""
    return ApiKey.objects.filter(
        user=user, expires_at__gt=timezone.now(), password_digest=digest_of(user.password)
    ).order_by("-pk")


@transaction.atomic
def create_key(
    *,
    user: User,
    name: str,
    scopes: Sequence[str] = (),
    expires_at: datetime | None = None,
    made_with: ApiKey | None = None,
) -> tuple[ApiKey, str]:
    """Make a key of a user; return it with its text, which is not kept.

    Without a time it expires after ``SHOP_API_KEY_LIFETIME``. A key made with another one expires with it at
    the latest, and is revoked with it.

    Raises:
        TooManyKeys: the user has as many as may be.
    """
    User.objects.select_for_update().only("pk").get(pk=user.pk)  # counts one after the other
    if live_keys(user).count() >= MAX_KEYS:
        raise TooManyKeys
    key, text = _draft(user, name, expires_at)
    key.scopes, key.made_with = list(scopes), made_with
    if made_with:
        key.expires_at = min(key.expires_at, made_with.expires_at)
    key.save()
    record("key_created", user=user, key_id=key.pk, key_name=name, scopes=key.scopes)
    return key, text


@transaction.atomic
def replace_keys(*, users: Sequence[User], name: str, scopes: Sequence[str] = ()) -> dict[str, str]:
    """End the keys of this name and make new ones; return their texts by user name. For programs."""
    ApiKey.objects.filter(user__in=users, name=name).delete()
    drafts = [_draft(user, name) for user in users]
    for key, _ in drafts:
        key.scopes = list(scopes)
    ApiKey.objects.bulk_create(key for key, _ in drafts)
    return {key.user.get_username(): text for key, text in drafts}


@transaction.atomic
def exchange_password(*, user: User) -> str:
    """Make a key for a user who has just given the password; the oldest such key makes room."""
    name = "POST /api/v1/token"
    mine = ApiKey.objects.filter(user=user, name=name).order_by("-pk")
    surplus = mine.values_list("pk", flat=True)[MAX_KEYS // 2 - 1 :]
    ApiKey.objects.filter(pk__in=list(surplus)).delete()
    return create_key(user=user, name=name)[1]


def revoke(keys: Iterable[ApiKey]) -> None:
    """End keys now. Those that were made with them end, too."""
    for key in keys:
        key_id = key.pk
        key.delete()
        record("key_revoked", user=key.user, key_id=key_id, key_name=key.name)


def end_keys(user: User) -> None:
    """End the keys of a closed account, or those from before the last change of the password."""
    ended = ApiKey.objects.filter(user=user)
    if user.is_active:
        ended = ended.exclude(password_digest=digest_of(user.password))
    if count := ended.delete()[0]:
        record("keys_ended", user=user, count=count)


def note_use(key: ApiKey) -> None:
    """Remember that a key is used now, and never wait for another process that does so."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_USE, [key.pk])


def _draft(user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    text = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    key = ApiKey(
        user=user,
        name=name,
        prefix=text[:PREFIX_LENGTH],
        digest=digest_of(text),
        password_digest=digest_of(user.password),
        expires_at=expires_at or timezone.now() + settings.SHOP_API_KEY_LIFETIME,
    )
    return key, text
