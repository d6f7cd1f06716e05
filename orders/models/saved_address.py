"""Addresses that customers have saved for their next orders."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from orders.events import Address
from shop.ids import uuid7


class SavedAddress(models.Model):
    """An address in a customer's address book. Orders have copies of their own."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_addresses", db_index=False
    )
    is_default = models.BooleanField("default", default=False)
    name = models.CharField(max_length=120)
    street = models.CharField(max_length=200)
    second_line = models.CharField(max_length=200, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    region = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2)
    phone = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name_plural = "saved addresses"
        indexes = [models.Index(fields=["customer", "id"], name="savedaddress_by_customer")]
        constraints = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(is_default=True), name="savedaddress_one_default"
            )
        ]

    def __str__(self) -> str:
        return f"address of customer {self.customer_id}"

    @property
    def address(self) -> Address:
        """Return the address as orders take it."""
        return Address(**{name: getattr(self, name) for name in Address.model_fields})
