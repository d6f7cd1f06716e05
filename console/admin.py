"""Admin of check-ups and repairs, read-only, and of accounts."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from console.erasure.action import PERMISSION, forget_customers
from console.models import Checkup, Repair
from shop.adminkit.keyset_lists import KeysetList
from shop.adminkit.read_only import ReadOnlyAdmin

admin.site.unregister(User)


@admin.register(Checkup)
class CheckupAdmin(ReadOnlyAdmin):
    """Check-ups of the order doctor, newest first."""

    list_display = ("began_at", "by", "repairing", "orders", "repaired", "under_way", "left")
    list_filter = ("repairing", "began_at")
    ordering = ("-pk",)


@admin.register(Repair)
class RepairAdmin(ReadOnlyAdmin):
    """Repairs made by the order doctor, newest first."""

    list_display = ("at", "kind", "wrong", "done", "by")
    list_filter = ("kind", "at")
    search_fields = ("order_id__exact",)
    ordering = ("-pk",)


@admin.register(User)
class AccountAdmin(KeysetList, UserAdmin[User]):
    """Customers and operators as a keyset list: Django's own counts all rows and scans them in a search."""

    ordering = ("-pk",)
    list_filter = ("is_staff",)
    search_fields = ("username", "email__iexact")
    search_help_text = "A user name or an e-mail address"
    actions = ("forget_customers",)

    @admin.action(description="Forget customers…", permissions=["forget"])
    def forget_customers(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        """Show what would be erased, and forget the customers once that is confirmed."""
        return forget_customers(request, queryset)

    def has_forget_permission(self, request: HttpRequest) -> bool:
        """Allow with the permission of privacy."""
        return request.user.has_perm(PERMISSION)
