"""Receivers of changes of accounts: the keys of an account end with its password, or when it is closed."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import get_hasher, identify_hasher
from django.contrib.auth.models import User
from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver

from shop.accounts.api_keys import digest_of, end_keys
from shop.accounts.models import ApiKey


@receiver(pre_save, sender=settings.AUTH_USER_MODEL)
def keep_keys_when_a_hash_is_renewed(
    instance: User, update_fields: Iterable[str] | None, **kwargs: Any
) -> None:
    """Keep the keys when Django stores the same password by a stronger hash, at a login."""
    is_new_password = instance._password is not None  # type: ignore[attr-defined]  # Django resets it later
    if is_new_password or set(update_fields or ()) != {"password"}:
        return
    old = User.objects.filter(pk=instance.pk).values_list("password", flat=True).first()
    if old and _is_outdated(old):
        keys = ApiKey.objects.filter(user=instance, password_digest=digest_of(old))
        keys.update(password_digest=digest_of(instance.password))


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def end_keys_of_a_changed_account(
    instance: User, created: bool, update_fields: Iterable[str] | None, **kwargs: Any
) -> None:
    """End the keys of a closed account, and those of a former password. Logins alone ask for nothing."""
    if not created and (update_fields is None or {"password", "is_active"} & {*update_fields}):
        end_keys(instance)


def _is_outdated(encoded: str) -> bool:
    try:
        algorithm = identify_hasher(encoded).algorithm
    except ValueError:  # unusable
        return False
    preferred = get_hasher()
    return algorithm != preferred.algorithm or preferred.must_update(encoded)
