"""Admin of accounts. Staff end keys and second factors, and never get to know one."""

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_otp.plugins.otp_totp.models import TOTPDevice

from shop import journal
from shop.accounts import api_keys, confirmation, two_factor
from shop.accounts.models import (
    AccountMail,
    ApiKey,
    FailedLogin,
    Guest,
    OperatorZone,
    RecoveryCode,
    RequestCount,
    UnconfirmedAddress,
)
from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnlyAdmin

admin.site.unregister(TOTPDevice)  # django-otp's page shows the secrets


@admin.register(ApiKey)
class ApiKeyAdmin(KeysetAdmin):
    """API keys, newest first. Deleting one revokes it."""

    list_display = ("prefix", "name", "user", "scopes", "created_at", "expires_at", "last_used_at")
    list_select_related = ("user",)
    fields = readonly_fields = (*list_display, "made_with")
    search_fields = ("prefix", "user__username")
    search_help_text = _("The beginning of a key, or the name of its owner")
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
        return request.user.has_perms(["accounts.view_failedlogin", "accounts.delete_failedlogin"])


@admin.register(TOTPDevice)
class SecondFactorAdmin(KeysetAdmin):
    """Second factors, newest first. Deleting one lets an owner in who has lost it."""

    list_display = ("user", "confirmed", "created_at", "last_used_at")
    list_select_related = ("user",)
    fields = readonly_fields = list_display
    search_fields = ("user__username",)
    ordering = ("-pk",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Allow to remove with Django's permission to delete."""
        return request.user.has_perms(["otp_totp.view_totpdevice", "otp_totp.delete_totpdevice"])

    def delete_model(self, request: HttpRequest, obj: TOTPDevice) -> None:
        """Remove the second factor of an account, with its recovery codes."""
        two_factor.remove_device(obj.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[TOTPDevice]) -> None:
        """Remove the second factors of accounts."""
        for device in queryset.select_related("user"):
            two_factor.remove_device(device.user)


@admin.register(RecoveryCode)
class RecoveryCodeAdmin(KeysetAdmin):
    """Unused recovery codes, without a trace of the codes."""

    list_display = ("id", "user")
    list_select_related = ("user",)
    fields = readonly_fields = ("user",)
    ordering = ("-pk",)


@admin.register(UnconfirmedAddress)
class UnconfirmedAddressAdmin(KeysetAdmin):
    """Addresses that nobody has confirmed yet: what is mailed there is withheld."""

    list_display = ("account", "email", "is_in_use", "reason", "created_at", "confirmed_at")
    list_select_related = ("user",)
    list_filter = ("reason",)
    fields = readonly_fields = list_display
    search_fields = ("email",)
    ordering = ("-pk",)
    actions = ("let_mail_pass",)

    @admin.display(description=_("account"), ordering="user")
    def account(self, address: UnconfirmedAddress) -> str:
        """Return the account's name. Who may see addresses may not see accounts."""
        return address.user.get_username() if address.user else ""

    def has_let_mail_pass_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may let mail pass to addresses that it came back from."""
        return request.user.has_perm("accounts.let_mail_pass")

    @admin.action(description=_("Let mail pass again"), permissions=["let_mail_pass"])
    def let_mail_pass(self, request: HttpRequest, queryset: QuerySet[UnconfirmedAddress]) -> None:
        """Let mail pass to the selected addresses that it came back from."""
        passing = [row for row in queryset if row.reason and row.is_in_use]
        with transaction.atomic():
            confirmation.let_mail_pass(addresses=[row.email for row in passing])
            for row in passing:
                journal.record(request, row, text="Let mail pass again.")
        text = ngettext(
            "Mail passes again to {number} address.", "Mail passes again to {number} addresses.", len(passing)
        )
        self.message_user(request, text.format(number=len(passing)), messages.SUCCESS)
        if left := sum(not row.reason for row in queryset):
            text = ngettext(
                "Never confirmed, and left to its owner: {number} address.",
                "Never confirmed, and left to their owners: {number} addresses.",
                left,
            )
            self.message_user(request, text.format(number=left), messages.WARNING)


@admin.register(AccountMail)
class AccountMailAdmin(KeysetAdmin):
    """E-mails about accounts of today, without their links."""

    list_display = ("created_at", "kind", "email", "attempts", "due_at")
    search_fields = ("email",)
    ordering = ("-pk",)


@admin.register(OperatorZone)
class OperatorZoneAdmin(ReadOnlyAdmin):
    """Time zones that operators have chosen."""

    list_display = ("user", "zone")
    list_select_related = ("user",)


@admin.register(Guest)
class GuestAdmin(KeysetAdmin):
    """Guests: addresses that were ordered with, and who has claimed the orders."""

    list_display = ("number", "email", "claimant", "claimed_at", "created_at")
    list_select_related = ("claimed_by",)
    fields = readonly_fields = list_display
    search_fields = ("email",)
    ordering = ("-pk",)

    @admin.display(description=_("user id"), ordering="user_id")
    def number(self, guest: Guest) -> int:
        """Return the id of the account."""
        return guest.user_id

    @admin.display(description=_("claimed by"), empty_value="")
    def claimant(self, guest: Guest) -> str:
        """Return the name of the account that has the orders. Who may see guests may not see accounts."""
        return guest.claimed_by.get_username() if guest.claimed_by else ""
