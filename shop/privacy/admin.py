"""Admin of data subjects, read-only and without their keys."""

from django.contrib import admin

from shop.adminkit.keyset_lists import KeysetAdmin
from shop.privacy.models import DataSubject


@admin.register(DataSubject)
class DataSubjectAdmin(KeysetAdmin):
    """Data subjects, by account."""

    list_display = ("id", "account_id", "created_at", "forgotten_at")
    fields = ("id", "account_id", "wrapped_by", "created_at", "forgotten_at")
    readonly_fields = fields
    search_fields = ("id", "account_id")
    ordering = ("-pk",)
