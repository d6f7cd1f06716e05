"""Notes and tags that staff puts on orders."""

from django.db import models
from django.utils import timezone

from orders.models.order import Order
from shop.ids import uuid7

#: Characters of a note, and of a tag.
MAX_NOTE, MAX_TAG = 2000, 30


class OrderNote(models.Model):
    """A note of staff on an order, for colleagues. Immutable until the customer is forgotten."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="notes", db_index=False)
    text = models.CharField(max_length=MAX_NOTE, help_text="For colleagues. Erased with the customer.")
    by = models.CharField(max_length=150)
    at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["pk"]
        verbose_name = "note"
        indexes = [models.Index(fields=["order", "id"], name="ordernote_by_order")]

    def __str__(self) -> str:
        return f"note of {self.by}"


class OrderTag(models.Model):
    """A word by which staff finds orders in their list."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="tags", db_index=False)
    name = models.CharField(max_length=MAX_TAG)

    class Meta:
        ordering = ["name"]
        verbose_name = "tag"
        indexes = [models.Index(fields=["name", "order"], name="ordertag_by_name")]
        constraints = [models.UniqueConstraint(fields=["order", "name"], name="ordertag_once")]

    def __str__(self) -> str:
        return self.name
