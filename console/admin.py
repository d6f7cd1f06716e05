"""The doctor in the admin, to be read; and the accounts, of which a shop has many."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from rest_framework.authtoken.admin import TokenAdmin
from rest_framework.authtoken.models import TokenProxy

from console.models import Checkup, Repair
from shop.adminkit.keyset_lists import KeysetList
from shop.adminkit.read_only import CappedPaginator, ReadOnlyAdmin

admin.site.unregister(User)
admin.site.unregister(TokenProxy)


@admin.register(Checkup)
class CheckupAdmin(ReadOnlyAdmin):
    list_display = ("began_at", "by", "repairing", "orders", "repaired", "under_way", "left")
    list_filter = ("repairing", "began_at")
    ordering = ("-pk",)


@admin.register(Repair)
class RepairAdmin(ReadOnlyAdmin):
    list_display = ("at", "kind", "wrong", "done", "by")
    list_filter = ("kind", "at")
    search_fields = ("order_id__exact",)
    ordering = ("-pk",)


@admin.register(User)
class AccountAdmin(KeysetList, UserAdmin[User]):
    """Customers and operators; Django's own list counts and searches all of them."""

    ordering = ("-pk",)
    list_filter = ("is_staff",)
    search_fields = ("username", "email__iexact")
    search_help_text = "A user name or an e-mail address"


@admin.register(TokenProxy)
class AccountTokenAdmin(TokenAdmin):
    """API tokens; the list is capped where Django's own counts all of them."""

    paginator = CappedPaginator
    show_full_result_count = False
    search_fields = ("user__username__exact",)
