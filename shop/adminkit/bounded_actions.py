"""Actions of admin lists on a bounded number of rows."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from shop.adminkit.theme import ModelAdmin
from shop.query_limits import MAX_SELECTED


class BoundedActions(ModelAdmin[Any]):
    """List whose actions refuse the choice of all its rows if these are too many for one request."""

    #: Rows that one action takes; None if the actions see to it themselves.
    max_selected: int | None = MAX_SELECTED

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any) -> Any:
        """Refuse an action on too many rows; ticked ones are counted before, with the fields of the form."""
        if request.POST.get("select_across", "0") != "0" and self._exceeds_limit(queryset):
            text = gettext("These are more than {number} rows: filter the list, or choose fewer at once.")
            self.message_user(request, text.format(number=self.max_selected), messages.ERROR)
            return None
        return super().response_action(request, queryset, *args)

    def _exceeds_limit(self, queryset: QuerySet[Any]) -> bool:
        limit = self.max_selected
        return limit is not None and queryset.order_by()[limit : limit + 1].exists()
