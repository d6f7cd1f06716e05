"""Pages of a packing slip in the admin: one to print, and the PDF."""

from importlib import import_module
from importlib.util import find_spec
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from console.packing.slip import Slip, slip_of

#: A slip shows an address, as a label does.
PERMISSIONS = ("shipping.view_shipment", "shipping.print_label")


@require_GET
def packing_slip(request: HttpRequest, shipment_id: UUID) -> HttpResponse:
    """Show a packing slip, made for printing."""
    slip = _slip(request, shipment_id)
    context = {"slip": slip, "code": _picture(slip), "has_pdf": has_pdf()}
    return render(request, "console/packing_slip.html", context)


@require_GET
def packing_slip_pdf(request: HttpRequest, shipment_id: UUID) -> HttpResponse:
    """Answer a packing slip as PDF; show the page instead, with the reason, if that cannot print it."""
    slip = _slip(request, shipment_id)
    page = HttpResponseRedirect(reverse("packing-slip", args=[shipment_id]))
    if not has_pdf():
        messages.warning(
            request, gettext("PDFs need the packages of requirements-pdf.txt: print this page instead.")
        )
        return page
    pdf = import_module("console.packing.pdf")  # needs fpdf2
    try:
        paper = pdf.pdf_of(slip)
    except pdf.CannotPrint as problem:
        messages.warning(request, str(problem))
        return page
    headers = {"Content-Disposition": f'inline; filename="packing-slip-{slip.number}.pdf"'}
    return HttpResponse(paper, content_type="application/pdf", headers=headers)


def has_pdf() -> bool:
    """Tell whether PDFs can be made."""
    return find_spec("fpdf") is not None


def _slip(request: HttpRequest, shipment_id: UUID) -> Slip:
    if not request.user.has_perms(PERMISSIONS):
        raise PermissionDenied
    slip = slip_of(shipment_id)
    if slip is None:
        raise Http404
    return slip


def _picture(slip: Slip) -> SafeString:
    picture = slip.code.svg_inline(scale=3, border=0, svgclass=None, lineclass=None)
    return mark_safe(picture)  # noqa: S308 - drawn by segno, of our own number
