"""Admin of accounts. API keys: staff see whose they are and revoke them, and never get to know one."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from shop.accounts import api_keys
from shop.accounts.models import ApiKey, FailedLogin, RequestCount
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnlyAdmin


@admin.register(ApiKey)
class ApiKeyAdmin(KeysetAdmin):
    """API keys, newest first. Deleting one revokes it."""

    list_display = ("prefix", "name", "user", "scopes", "created_at", "expires_at", "last_used_at")
    list_select_related = ("user",)
    fields = readonly_fields = (*list_display, "made_with")
    search_fields = ("prefix", "user__username")
    search_help_text = "The beginning of a key, or the name of its owner"
    ordering = ("-pk",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow to revoke with Django's permission to delete."""
        return request.user.has_perms(["accounts.view_apikey", "accounts.delete_apikey"])

    def delete_model(self, request: HttpRequest, obj: ApiKey) -> None:
        """Revoke a key."""
        api_keys.revoke([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke keys."""
        api_keys.revoke(queryset)


@admin.register(RequestCount)
class RequestCountAdmin(ReadOnlyAdmin):
    """Requests counted at present, by digests of what they are counted by."""

    list_display = ("key", "number", "expires_at")
    ordering = ("-expires_at",)


@admin.register(FailedLogin)
class FailedLoginAdmin(ReadOnlyAdmin):
    """Wrong passwords in a row. Deleting a row ends its wait."""

    list_display = ("key", "failures", "blocked_until", "expires_at")
    ordering = ("-expires_at",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow to end waits with Django's permission to delete."""
        return request.user.has_perm("accounts.delete_failedlogin")
