"""Bookings of stock in the admin: a form for one product, and a file for many."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory import booking_files, services
from inventory.booking_files import MAX_FILE, BookingForm
from inventory.bookings import Booking, Kind
from inventory.errors import InventoryError
from inventory.models import Product
from shop import journal
from shop.rest.idempotency.forms import AlreadyDone, OneTimeForm, take_effect_once


class AdjustmentForm(BookingForm, OneTimeForm):
    """Form for a booking: kind, quantity and reason."""

    kind = forms.ChoiceField(label=_("What happened"), required=False, choices=booking_files.KINDS)
    quantity = forms.IntegerField(
        label=_("Quantity"),
        **booking_files.QUANTITY,
        help_text=_(
            "How many came in, were lost, or are on hand with those that are reserved. "
            "Of a correction: positive for more, negative for less."
        ),
    )
    field_order = ("kind", "quantity", "reason")

    def clean_kind(self) -> str:
        """Take it for a correction, if nothing is said."""
        return self.cleaned_data["kind"] or Kind.ADJUSTED


class ImportForm(OneTimeForm):
    """A file of bookings: uploaded or pasted, and carried from the preview to the booking."""

    file = forms.FileField(
        label=_("File"), required=False, help_text=_("CSV in UTF-8, as from a spreadsheet.")
    )
    text = forms.CharField(
        required=False,
        max_length=MAX_FILE,
        label=_("Or paste it"),
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"}),
    )

    def clean(self) -> dict[str, Any]:
        """Read the file, if there is one."""
        given: dict[str, Any] = super().clean() or {}
        if file := given.get("file"):
            try:
                given["text"] = file.read(MAX_FILE * 4).decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise forms.ValidationError(
                    gettext("The file is not in UTF-8: export it as CSV UTF-8.")
                ) from error
        if len(given.get("text") or "") > MAX_FILE:
            raise forms.ValidationError(
                gettext("The file has more than {max_file:,} characters: split it.").format(max_file=MAX_FILE)
            )
        if not self.errors and not given["text"].strip():
            raise forms.ValidationError(gettext("Choose a file, or paste its text."))
        return given


def book_one(model_admin: ModelAdmin[Product], request: HttpRequest, product: Product) -> HttpResponse:
    """Ask what happened to the stock of a product, then book it."""
    form = AdjustmentForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _try_to_book(request, product, form):
        return HttpResponseRedirect(reverse("admin:inventory_product_change", args=[product.pk]))
    context = {
        "title": gettext("Adjust the stock of {product}").format(product=product),
        "original": product,
        "form": form,
    }
    return page(model_admin, request, "adjust", context)


def _try_to_book(request: HttpRequest, product: Product, form: AdjustmentForm) -> bool:
    given = {name: form.cleaned_data[name] for name in ("kind", "quantity", "reason")}
    try:
        take_effect_once(request, form, _booking(request, [Booking(sku=product.sku, **given)]))
    except InventoryError as error:
        form.add_error("quantity", str(error))
        return False
    except AlreadyDone as error:
        messages.warning(request, str(error))
    product.refresh_from_db()
    messages.success(
        request,
        gettext("There are {available} of {product} now.").format(
            available=product.available, product=product
        ),
    )
    return True


def import_file(model_admin: ModelAdmin[Product], request: HttpRequest) -> HttpResponse:
    """Ask for a file of bookings, show what each row would do, and book all or none of them."""
    form = ImportForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"title": gettext("Book stock from a file"), "columns": booking_files.COLUMNS}
    if request.method == "POST" and form.is_valid():
        try:
            rows = booking_files.read(form.cleaned_data["text"])
        except booking_files.UnreadableFile as error:
            form.add_error(None, str(error))
        else:
            if "book" in request.POST and _try_to_import(request, form, rows):
                return HttpResponseRedirect(reverse("admin:inventory_product_changelist"))
            context |= _preview(rows, form.cleaned_data)
    return page(model_admin, request, "import", context | {"form": form})


def _try_to_import(request: HttpRequest, form: ImportForm, rows: list[booking_files.Row]) -> bool:
    bookings = [row.booking for row in rows if row.booking]
    if len(bookings) < len(rows):
        return False
    try:
        take_effect_once(request, form, _booking(request, bookings))
    except InventoryError:
        return False  # the stock has changed since the preview: show it again
    except AlreadyDone as error:
        messages.warning(request, str(error))
        return True
    messages.success(request, gettext("Booked: {number} rows.").format(number=len(bookings)))
    return True


def _preview(rows: list[booking_files.Row], given: dict[str, Any]) -> dict[str, Any]:
    shown = booking_files.preview(rows)
    wrong = sum(1 for row in shown if row.error)
    return {"rows": shown, "wrong": wrong, "text": given["text"], "attempt": given["attempt"]}


def _booking(request: HttpRequest, bookings: list[Booking]) -> Callable[[], None]:
    def act() -> None:
        for entry in services.book(bookings=bookings, actor=request.user.get_username()):
            journal.record(request, entry.product, str(entry))

    return act


def page(
    model_admin: ModelAdmin[Product], request: HttpRequest, name: str, context: dict[str, Any]
) -> TemplateResponse:
    """Render a page of products."""
    context = {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, **context}
    return TemplateResponse(request, f"admin/inventory/product/{name}.html", context)
