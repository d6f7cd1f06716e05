"""Rights of the REST API: each view says for each of its methods who may use it.

The permissions are Django's, the same that guard the admin's pages and actions::

    class PaymentViewSet(ReadOnlyModelViewSet[Payment]):
        permissions = {"GET": staff("payments.view_payment"), "POST": staff("payments.retry_refund")}

A view that says nothing is closed to everybody.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from shop.accounts import guests
from shop.accounts.scopes import scope_allows


class Audience(StrEnum):
    """Kind of users that a rule lets through."""

    #: Everybody, with an account or without.
    ANYONE = "anyone"
    #: All accounts.
    ACCOUNTS = "accounts"
    #: All accounts for what is their own, staff with the permissions for what is not.
    OWNERS = "owners"
    #: Staff with the permissions.
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Rule:
    """Rule of who may use a method of a view."""

    audience: Audience
    #: Django permissions, as in ``orders.cancel_order``; all are needed.
    permissions: tuple[str, ...] = ()


ANYONE = Rule(Audience.ANYONE)


def accounts(permission: str) -> Rule:
    """Let all accounts through. The permission says what for, not who."""
    return Rule(Audience.ACCOUNTS, (permission,))


def own(permission: str) -> Rule:
    """Let accounts deal with what is their own. What belongs to others needs the permission.

    The view restricts its queryset by :func:`may`, and objects say by ``customer_id`` whose they are.
    """
    return Rule(Audience.OWNERS, (permission,))


def staff(*permissions: str) -> Rule:
    """Let staff with all these permissions through."""
    return Rule(Audience.STAFF, permissions)


class HasPermissions(BasePermission):
    """Permission class of all views: it applies the rules in the view's ``permissions``, by method."""

    message: str

    def has_permission(self, request: Request, view: Any) -> bool:
        """Apply the rule of the method; OPTIONS and unknown methods are for whom any rule lets through."""
        rule = rule_of(view, request.method or "")
        rules: Iterable[Rule] = [rule] if rule else getattr(view, "permissions", {}).values()
        if any(_allows(rule, request) for rule in rules):
            return True
        if rule and not _key_allows(request, rule.permissions):
            self.message = "The scopes of this API key do not include this."
        return False

    def has_object_permission(self, request: Request, view: Any, obj: Any) -> bool:
        """Tell whether the object is the user's own, or the user may deal with those of others."""
        rule = rule_of(view, request.method or "")
        if rule is None or rule.audience is not Audience.OWNERS or obj.customer_id == request.user.pk:
            return True
        return may(request, *rule.permissions) or guests.is_own(request.user.pk, obj.customer_id)


def rule_of(view: Any, method: str) -> Rule | None:
    """Return the rule of a method of a view; None if the view has no such method."""
    rules: Mapping[str, Rule] = getattr(view, "permissions", {})
    return rules.get("GET" if method == "HEAD" else method)


def may(request: Request, *permissions: str) -> bool:
    """Tell whether the user is staff with these permissions, and the API key has scopes for them.

    For customers this costs no statement.
    """
    user = request.user
    return bool(user.is_staff and _key_allows(request, permissions) and user.has_perms(permissions))


def _allows(rule: Rule, request: Request) -> bool:
    if rule.audience is Audience.ANYONE:
        return True
    if not request.user.is_authenticated or not _key_allows(request, rule.permissions):
        return False
    return rule.audience is not Audience.STAFF or may(request, *rule.permissions)


def _key_allows(request: Request, permissions: Iterable[str]) -> bool:
    return all(scope_allows(request, permission, request.method or "") for permission in permissions)
