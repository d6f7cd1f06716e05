"""Notices of providers in the admin: read-only, without their bodies."""

from django.contrib import admin

from shop.adminkit.keyset_lists import KeysetAdmin
from shop.adminkit.read_only import ReadOnlyAdmin
from shop.webhooks.models import AskedUntil, ProviderNotice


@admin.register(ProviderNotice)
class ProviderNoticeAdmin(KeysetAdmin):
    """Notices, by provider and object."""

    list_display = ["provider", "kind", "about", "event_id", "received_at", "worked_at"]
    search_fields = ["about", "event_id"]
    ordering = ["-id"]
    fields = ["provider", "kind", "about", "event_id", "received_at", "worked_at"]


@admin.register(AskedUntil)
class AskedUntilAdmin(ReadOnlyAdmin):
    """Moments until which providers were asked for missed notices."""

    list_display = ["provider", "at"]
