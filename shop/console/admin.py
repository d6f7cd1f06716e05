"""The doctor in the admin: its check-ups and repairs, to be read."""

from django.contrib import admin

from shop.console.models import Checkup, Repair
from shop.readonly import ReadOnlyAdmin


@admin.register(Checkup)
class CheckupAdmin(ReadOnlyAdmin):
    list_display = ("began_at", "by", "repairing", "orders", "repaired", "under_way", "left")
    list_filter = ("repairing", "began_at")
    ordering = ("-pk",)


@admin.register(Repair)
class RepairAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "wrong", "done", "by")
    list_filter = ("kind", "at")
    search_fields = ("=order_id",)
    ordering = ("-pk",)
