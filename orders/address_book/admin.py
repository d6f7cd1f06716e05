"""Address books of customers in the admin, read-only."""

from django.contrib import admin

from orders.models import SavedAddress
from shop.adminkit.keyset_lists import KeysetAdmin


@admin.register(SavedAddress)
class SavedAddressAdmin(KeysetAdmin):
    """Addresses that customers have saved."""

    list_display = ("customer_id", "name", "city", "country", "is_default")
    search_fields = ("name",)
    ordering = ("-pk",)
