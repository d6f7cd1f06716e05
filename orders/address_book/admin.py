"""Address books of customers in the admin, read-only."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from orders.models import SavedAddress
from shop.adminkit.keyset_lists import KeysetAdmin


@admin.register(SavedAddress)
class SavedAddressAdmin(KeysetAdmin):
    """Addresses that customers have saved."""

    list_display = ("account", "name", "city", "country", "is_default")
    search_fields = ("name",)
    ordering = ("-pk",)

    @admin.display(description=_("customer id"), ordering="customer_id")
    def account(self, address: SavedAddress) -> int:
        """Return the id of the customer's account."""
        return address.customer_id
