"""Products of a file in the admin: a preview, then all rows or none, once; and the same as an export."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory import product_files
from inventory.admin_bookings import ImportForm, page
from inventory.booking_files import UnreadableFile
from inventory.models import Product
from inventory.pictures import PictureForm, change_picture
from shop import journal
from shop.adminkit.csv_export import list_exported
from shop.rest.idempotency.forms import AlreadyDone, take_effect_once


class ProductImportForm(ImportForm):
    """A file of products, and why they change."""

    reason = forms.CharField(
        label=_("Reason"), max_length=200, help_text=_("Stands in the history of each product.")
    )


class _Wrong(Exception):
    """A row has an error by now."""


def import_products(model_admin: ModelAdmin[Product], request: HttpRequest) -> HttpResponse:
    """Ask for a file of products, show what each row would do, and take over all or none of them."""
    form = ProductImportForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"title": gettext("Products from a file"), "columns": product_files.COLUMNS}
    if request.method == "POST" and form.is_valid():
        try:
            if "take" in request.POST and _try_to_take_over(request, form):
                return HttpResponseRedirect(reverse("admin:inventory_product_changelist"))
            context |= _preview(form.cleaned_data)
        except UnreadableFile as error:
            form.add_error(None, str(error))
    return page(model_admin, request, "import_products", context | {"form": form})


def export_products(
    model_admin: ModelAdmin[Product], request: HttpRequest
) -> StreamingHttpResponse | HttpResponseRedirect:
    """Stream the products that the filters let through, in the columns of an import."""
    try:
        shown = model_admin.get_changelist_instance(request)
    except IncorrectLookupParameters:
        return HttpResponseRedirect(request.path)
    list_exported.send(Product, request=request)
    products = shown.queryset.iterator(chunk_size=1000)
    response = StreamingHttpResponse(product_files.lines(products), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="products.csv"'
    return response


def choose_picture(model_admin: ModelAdmin[Product], request: HttpRequest, product: Product) -> HttpResponse:
    """Ask for a picture, and give it to the product."""
    form = PictureForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        with transaction.atomic():
            change_picture(product_id=product.pk, url=form.cleaned_data["file"])
            why = f" Reason: {reason}" if reason else ""
            journal.record(request, product, f"Changed the picture.{why}")
        messages.success(request, gettext("{product} has another picture.").format(product=product))
        return HttpResponseRedirect(reverse("admin:inventory_product_change", args=[product.pk]))
    context = {
        "title": gettext("Picture of {product}").format(product=product),
        "original": product,
        "form": form,
    }
    return page(model_admin, request, "picture", context)


def _try_to_take_over(request: HttpRequest, form: ProductImportForm) -> bool:
    done: list[product_files.Row] = []
    try:
        take_effect_once(request, form, _taking_over(request, form.cleaned_data, done))
    except _Wrong:
        return False  # a product has changed since the preview: show it again
    except AlreadyDone as error:
        messages.warning(request, str(error))
        return True
    new = sum(row.kind == "new" for row in done)
    messages.success(
        request,
        gettext("New products: {new}. Changed: {sum}.").format(
            new=new, sum=sum(row.kind == "update" for row in done)
        ),
    )
    return True


def _taking_over(
    request: HttpRequest, given: dict[str, Any], done: list[product_files.Row]
) -> Callable[[], None]:
    def act() -> None:
        done.extend(product_files.take_over(given["text"]))
        if any(row.error for row in done):
            raise _Wrong
        for row in done:
            if row.product and row.kind != "skip":
                verb = "Added from a file" if row.kind == "new" else "Changed by a file"
                journal.record(request, row.product, f"{verb}: {row.changes}. Reason: {given['reason']}")

    return act


def _preview(given: dict[str, Any]) -> dict[str, Any]:
    rows = product_files.preview(given["text"])
    kept = {name: given[name] for name in ("text", "attempt", "reason")}
    return {"rows": rows, "wrong": sum(1 for row in rows if row.error), **kept}
