"""REST API of notes: staff reads and writes them."""

from uuid import UUID

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from orders.api import NOT_FOUND
from orders.errors import OrdersError
from orders.models import Order, OrderNote
from orders.notes import services
from orders.notes.queries import MOST_NOTES, notes_of
from orders.notes.serializers import NoteIn, NoteOut
from shop import journal
from shop.rest import problems
from shop.rest.idempotency import idempotent
from shop.rest.permissions import staff


class OrderNotes(GenericAPIView[Order]):
    """Notes on an order."""

    permissions = {
        "GET": staff("orders.view_order"),
        "POST": staff("orders.view_order", "orders.annotate_order"),
    }
    serializer_class = NoteOut  # type: ignore[assignment]  # of what the order has
    queryset = Order.objects.all()
    pagination_class = None
    filter_backends = []

    @extend_schema(
        summary="List the notes on an order",
        tags=["orders"],
        description=f"List what staff has noted, oldest first: the latest {MOST_NOTES}.",
        responses={200: NoteOut(many=True), 404: NOT_FOUND},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """List what staff has noted, oldest first."""
        return Response([NoteOut(note).data for note in notes_of(self.get_object().pk)])

    @extend_schema(
        summary="Write a note on an order",
        tags=["orders"],
        request=NoteIn,
        responses={
            201: NoteOut,
            400: OpenApiResponse(description="A field is wrong, missing or unknown."),
            404: NOT_FOUND,
            409: OpenApiResponse(description="The customer was forgotten: it might be about them."),
        },
    )
    @idempotent()
    def post(self, request: Request, pk: UUID) -> Response:
        """Write a note for colleagues. It cannot be changed, and no event has it."""
        order, body = self.get_object(), NoteIn(data=request.data)
        body.is_valid(raise_exception=True)
        note = _write(request, order, body.validated_data["text"])
        return Response(NoteOut(note).data, status=status.HTTP_201_CREATED)


def _write(request: Request, order: Order, text: str) -> OrderNote:
    try:
        with transaction.atomic():
            note = services.add_note(order_id=order.pk, text=text, by=request.user.get_username())
            journal.record(request, order, "Wrote a note.")
    except OrdersError as refusal:
        raise problems.Conflict(str(refusal)) from refusal
    return note
