"""Labels on paper, as answers of the web."""

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from rest_framework.renderers import BaseRenderer

from shipping.carrier import LabelPaper
from shipping.models import Shipment


class PdfRenderer(BaseRenderer):
    """Renderer for clients that accept a PDF."""

    media_type, format, charset, render_style = "application/pdf", "pdf", None, "binary"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the PDF as it is."""
        return data


def paper_response(shipment: Shipment, paper: LabelPaper) -> HttpResponse:
    """Return a label as an answer of the web: the PDF, or a redirect to it."""
    if paper.url:
        return HttpResponseRedirect(paper.url)
    name = f"label-{shipment.order_number or shipment.order_id}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(paper.pdf, content_type="application/pdf", headers=headers)
