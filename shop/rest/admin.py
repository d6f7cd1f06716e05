"""Stored answers of the REST API in the admin: read-only, without their content."""

from django.contrib import admin

from shop.adminkit.read_only import ReadOnlyAdmin
from shop.rest.models import IdempotencyRecord


@admin.register(IdempotencyRecord)
class IdempotencyRecordAdmin(ReadOnlyAdmin):
    """Requests with an Idempotency-Key that took effect."""

    list_display = ("method", "path", "user_id", "created_at")
    ordering = ("-created_at",)
    fields = ("method", "path", "user_id", "created_at")
