"""Action of an operator on many orders, with its outcome for each."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from orders.models.order import Order
from shop.ids import uuid7
from shop.stored_texts import translated


class BulkAction(models.Model):
    """Action on many orders, which a worker runs order by order."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    #: Key of :data:`orders.admin_actions.ACTIONS`.
    action = models.CharField(max_length=20)
    #: Fields of the form, as its reason.
    given = models.JSONField(default=dict, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-pk"]
        verbose_name = "bulk action"

    def __str__(self) -> str:
        return gettext("{action} of many orders").format(action=translated(self.action))

    @property
    def counts(self) -> dict[str, int]:
        """Number of orders by state."""
        related: Any = self
        rows = related.rows.order_by().values_list("state").annotate(models.Count("pk"))
        return dict.fromkeys(BulkActionRow.State.values, 0) | dict(rows)


class BulkActionRow(models.Model):
    """An order of a bulk action, and the outcome for it."""

    class State(models.TextChoices):
        """State of an order in a bulk action."""

        #: Not reached yet.
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        #: The order cannot do this any more.
        REFUSED = "refused", "Refused"
        #: An error that is in the worker's log.
        FAILED = "failed", "Failed"

    bulk = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="rows", db_index=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    detail = models.CharField(max_length=300, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = "order of a bulk action"
        indexes = [
            models.Index(fields=["bulk", "id"], condition=Q(state="waiting"), name="bulkactionrow_waiting")
        ]
        constraints = [models.UniqueConstraint(fields=["bulk", "order"], name="bulkactionrow_once")]

    def __str__(self) -> str:
        return f"{self.order}: {self.state}"

    @property
    def detail_text(self) -> str:
        """The detail in the reader's language: the worker writes it in English."""
        return translated(self.detail)
