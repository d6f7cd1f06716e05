"""Notes and tags in the admin: on the page of their order, and a filter of the list."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from orders.errors import OrdersError
from orders.models import Order, OrderNote, OrderTag
from orders.models.note import MAX_NOTE, MAX_TAG
from orders.notes import services
from orders.notes.queries import tag_names
from shop import journal
from shop.adminkit.read_only import ReadOnly
from shop.adminkit.theme import TabularInline
from shop.rest.idempotency.forms import AlreadyDone, OneTimeForm, take_effect_once
from shop.visible import check_visible

#: Permissions that it takes to write notes and to tag.
PERMISSIONS = ("orders.view_order", "orders.annotate_order")


class NoteForm(OneTimeForm):
    """Form of a note."""

    text = forms.CharField(label=_("Text"), max_length=MAX_NOTE, validators=[check_visible])


class TagForm(OneTimeForm):
    """Form of a tag."""

    name = forms.CharField(
        label=_("Name"),
        max_length=MAX_TAG,
        validators=[
            check_visible,
            RegexValidator(r"^[\w .-]+$", _("A tag has letters, digits, spaces, points and hyphens alone.")),
        ],
    )


class OrderNoteInline(ReadOnly, TabularInline[OrderNote, Order]):
    """Notes on the page of their order. The page of the theme shows them by itself."""

    model = OrderNote
    fields = ("at", "by", "text")


class OrderTagInline(ReadOnly, TabularInline[OrderTag, Order]):
    """Tags on the page of their order. The page of the theme shows them by itself."""

    model = OrderTag
    fields = ("name",)


class TagFilter(admin.SimpleListFilter):
    """Filter of orders by their tags."""

    title = _("tag")
    parameter_name = "tag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        """Return the tags in use."""
        return [(name, name) for name in tag_names()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Order]) -> QuerySet[Order]:
        """Return the orders that have the tag."""
        if not self.value():
            return queryset
        return queryset.filter(pk__in=OrderTag.objects.filter(name=self.value()).order_by().values("order"))


def add_note(_: admin.AdminSite, request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Write a note on an order."""

    def add(order: Order, form: forms.Form) -> str:
        by = request.user.get_username()
        services.add_note(order_id=order.pk, text=form.cleaned_data["text"], by=by)
        return "Wrote a note."

    return _submit(request, order_id, NoteForm, add)


def add_tag(_: admin.AdminSite, request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Tag an order."""

    def add(order: Order, form: forms.Form) -> str:
        tag = services.add_tag(order_id=order.pk, name=form.cleaned_data["name"])
        return f"Tagged it “{tag.name}”."

    return _submit(request, order_id, TagForm, add)


def remove_tag(_: admin.AdminSite, request: HttpRequest, order_id: UUID) -> HttpResponse:
    """Take a tag of an order away."""

    def remove(order: Order, form: forms.Form) -> str:
        name = services.as_tag(form.cleaned_data["name"])
        services.remove_tag(order=order, name=name)
        return f"Took the tag “{name}” away."

    return _submit(request, order_id, TagForm, remove)


@require_POST
def _submit(
    request: HttpRequest,
    order_id: UUID,
    kind: type[OneTimeForm],
    act: Callable[[Order, forms.Form], str],
) -> HttpResponse:
    """Act by a form of the order's page, once, and go back to the page."""
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    order, form = get_object_or_404(Order, pk=order_id), kind(request.POST)

    def run() -> None:
        done = act(order, form)
        journal.record(request, order, done)
        messages.success(request, f"{order.number}: {done}")

    try:
        if form.is_valid():
            take_effect_once(request, form, run)
        else:
            messages.error(request, " ".join(str(text) for texts in form.errors.values() for text in texts))
    except (AlreadyDone, OrdersError) as refusal:
        messages.warning(request, str(refusal))
    return HttpResponseRedirect(f"{reverse('admin:orders_order_change', args=[order.pk])}#notes")
