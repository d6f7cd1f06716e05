"""REST API for files of bookings: a preview with errors by row, and one booking of all rows."""

from collections.abc import Mapping, Sequence
from typing import IO, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from inventory import booking_files, services
from inventory.booking_files import COLUMNS, MAX_FILE, Row, UnreadableFile
from inventory.errors import InventoryError
from shop import journal
from shop.rest.idempotency import idempotent
from shop.rest.permissions import staff
from shop.rest.problems import Conflict

_EXAMPLE = "kind,sku,quantity,reason\nreceived,MUG,24,Delivery note 4711\nwrite_off,MUG,1,Broken\n"


class CsvParser(BaseParser):
    """Parser of CSV in UTF-8; the data is the text."""

    media_type = "text/csv"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the text of the body."""
        try:
            text: str = stream.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise ParseError("The file is not in UTF-8: export it as CSV UTF-8.") from error
        if len(text) > MAX_FILE:
            raise ParseError(f"The file has more than {MAX_FILE:,} characters: split it.")
        return text


class FileQuery(serializers.Serializer[Any]):
    """Query parameters of a file of bookings."""

    preview = serializers.BooleanField(
        default=False, help_text="Only say what each row would do. Nothing is booked, and the key stays free."
    )


class RowOut(serializers.Serializer[Any]):
    """A row of the file, and what it does to the stock; null where it has an error."""

    row = serializers.IntegerField(help_text="As spreadsheets count: the header is row 1.")
    kind = serializers.CharField()
    sku = serializers.CharField()
    quantity = serializers.CharField(help_text="As in the file.")
    reason = serializers.CharField()
    difference = serializers.IntegerField(allow_null=True)
    available = serializers.IntegerField(allow_null=True)
    on_hand = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(help_text="Empty if the row can be booked.")


class FileOut(serializers.Serializer[Any]):
    """Rows of a file that was booked, or would be."""

    booked = serializers.BooleanField()
    rows = RowOut(many=True)


def _has_effect(request: Request) -> bool:
    return not _is_preview(request)


def _is_preview(request: Request) -> bool:
    query = FileQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    return bool(query.validated_data["preview"])


class StockFile(APIView):
    """Files of receipts, losses, counts and corrections. For staff."""

    permissions = {"POST": staff("inventory.view_stock", "inventory.adjust_stock")}
    parser_classes = (CsvParser,)
    writing_parameters = FileQuery

    @extend_schema(
        operation_id="stock_files_create",
        summary="Book a file of goods that came in, were lost or were counted",
        tags=["stock"],
        parameters=[FileQuery],
        request={"text/csv": OpenApiTypes.STR},
        examples=[OpenApiExample("A delivery", _EXAMPLE, request_only=True, media_type="text/csv")],
        responses={
            200: FileOut,
            400: OpenApiResponse(
                description="It is no such table, or rows are wrong or impossible: ``rows[3]`` is row 3."
            ),
            409: OpenApiResponse(description="The stock has changed meanwhile."),
        },
    )
    @idempotent(required=True, has_effect=_has_effect)
    def post(self, request: Request) -> Response:
        """Book all rows, up to 1,000, or none: columns kind, sku, quantity, reason, in UTF-8.

        Kinds are ``received``, ``write_off``, ``counted`` and ``adjusted``, as of a single movement. With
        ``preview=true`` nothing is booked, and wrong rows have an ``error``.
        """
        is_preview = _is_preview(request)
        rows = _read(request.data)
        if is_preview:
            return Response({"booked": False, "rows": list(map(_shown, rows))})
        errors: Any = {row.number: [row.error] for row in rows if row.error}
        if errors:
            raise serializers.ValidationError({"rows": errors})
        _book(request, rows)
        return Response({"booked": True, "rows": list(map(_shown, rows))})


def _read(data: Any) -> list[Row]:
    """Return the rows with what each would do; a body without a type of its own is an empty file."""
    try:
        return booking_files.preview(booking_files.read(data if isinstance(data, str) else ""))
    except UnreadableFile as error:
        raise ParseError(str(error)) from error


def _shown(row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "row": row.number,
        **dict(zip(COLUMNS, row.cells, strict=True)),
        "difference": entry.difference if entry else None,
        "available": entry.available if entry else None,
        "on_hand": entry.on_hand if entry else None,
        "error": row.error,
    }


def _book(request: Request, rows: Sequence[Row]) -> None:
    bookings = [row.booking for row in rows if row.booking]
    try:
        for entry in services.book(bookings=bookings, actor=request.user.get_username()):
            journal.record(request, entry.product, str(entry))
    except InventoryError as error:
        raise Conflict(f"The stock has changed meanwhile: {error}") from error
