"""Receivers of Django's signals that write the security log."""

import logging
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver
from django.http import HttpRequest

from shop.accounts.security_log import account_named, record
from shop.adminkit.csv_export import list_exported

#: Fields that decide what an account may do.
FLAGS = ("is_active", "is_staff", "is_superuser")
_M2M_ACTIONS = {"post_add": "added", "post_remove": "removed", "pre_clear": "removed"}


@receiver(user_logged_in)
def _record_login(request: HttpRequest, user: User, **_: Any) -> None:
    record("logged_in", user=user, request=request)


@receiver(list_exported)
def _record_export(sender: type[Model], request: HttpRequest, **_: Any) -> None:
    record("list_exported", request=request, model=sender._meta.label_lower)


@receiver(user_logged_out)
def _record_logout(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        record("logged_out", user=user, request=request)


@receiver(user_login_failed)
def _record_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record the account, if there is one: an unknown name may be a password in the wrong field."""
    user = account_named(str(credentials.get(User.USERNAME_FIELD) or ""))
    record(
        "login_failed",
        user=user,
        request=request,
        level=logging.WARNING,
        account=None if user else "unknown",
    )


@receiver(pre_save, sender=User)
def _remember_flags(instance: User, update_fields: frozenset[str] | None = None, **_: Any) -> None:
    if update_fields is not None and not update_fields & {*FLAGS}:
        return
    before = User.objects.filter(pk=instance.pk).values(*FLAGS).first() if instance.pk else None
    instance._flags_before = before or dict.fromkeys(FLAGS, False) | {"is_active": True}  # type: ignore[attr-defined]


@receiver(post_save, sender=User)
def _record_flags(instance: User, created: bool, **_: Any) -> None:
    before = instance.__dict__.pop("_flags_before", None) or {}
    changes = {name: getattr(instance, name) for name in before if before[name] != getattr(instance, name)}
    if created:
        record("account_created", user=instance, **changes)
    elif changes:
        record("account_changed", user=instance, level=logging.WARNING, **changes)


@receiver(post_delete, sender=User)
def _record_deletion(instance: User, **_: Any) -> None:
    record("account_deleted", user=instance, level=logging.WARNING)


@receiver(post_delete, sender=Group)
def _record_deleted_group(instance: Group, **_: Any) -> None:
    record("group_deleted", level=logging.WARNING, group=instance.name)


@receiver(m2m_changed, sender=User.groups.through)
@receiver(m2m_changed, sender=User.user_permissions.through)
@receiver(m2m_changed, sender=Group.permissions.through)
def _record_rights(
    instance: Model, action: str, reverse: bool, model: type[Model], pk_set: set[Any] | None, **kwargs: Any
) -> None:
    """Record groups and permissions given and taken, from whichever side."""
    done = _M2M_ACTIONS.get(action)
    others = list(model._default_manager.filter(pk__in=pk_set)) if pk_set is not None else None
    if done is None or others == []:
        return
    if others is None:
        others = _related(instance, kwargs["sender"], model)
    owners, given = (others, [instance]) if reverse else ([instance], others)
    for owner in owners:
        whose = {"user": owner} if isinstance(owner, User) else {"group": str(owner)}
        record(f"rights_{done}", level=logging.WARNING, rights=sorted(map(str, given)), **whose)


def _related(instance: Model, through: Any, model: type[Model]) -> list[Model]:
    """Return the objects that a clear() is about to unlink."""
    mine, theirs = (
        next(field.name for field in through._meta.fields if field.related_model is related)
        for related in (type(instance), model)
    )
    links = through.objects.filter(**{mine: instance}).select_related(theirs)
    return [getattr(link, theirs) for link in links]
