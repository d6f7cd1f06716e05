"""REST API of analytics, for staff."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import positions, queries
from analytics.lag_header import LAG_PARAMETER, TellsLag
from shop.currencies import as_text
from shop.rest.fields import MoneyField
from shop.rest.permissions import staff

#: Length of the default period in days, which ends today.
DAYS = 30


class Period(serializers.Serializer[Any]):
    """A period of days, both included; by default the last 30 days."""

    since = serializers.DateField(required=False, help_text="First day (UTC).")
    until = serializers.DateField(required=False, help_text="Last day (UTC).")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Fill in the defaults, and refuse a period that ends before it starts."""
        attrs.setdefault("until", max(_today(), attrs.get("since", date.min)))
        attrs.setdefault("since", attrs["until"] - timedelta(days=DAYS - 1))
        if attrs["since"] > attrs["until"]:
            raise serializers.ValidationError({"since": ["Choose a day that is not after until."]})
        return attrs


class SalesQuery(Period):
    """A period and a currency."""

    currency = serializers.RegexField("^[A-Z]{3}$", required=False, help_text="ISO 4217, as in EUR.")


class Ranking(serializers.Serializer[Any]):
    """Rank and number of the best sellers."""

    by = serializers.ChoiceField(["sold", "ordered", "restocked"], default="sold")
    limit = serializers.IntegerField(min_value=1, max_value=200, default=10)


class DayOut(serializers.Serializer[Any]):
    """Orders, revenue and returns of a day in a currency."""

    day = serializers.DateField()
    currency = serializers.CharField()
    orders_placed = serializers.IntegerField()
    orders_paid = serializers.IntegerField()
    orders_shipped = serializers.IntegerField()
    orders_delivered = serializers.IntegerField()
    orders_cancelled = serializers.IntegerField()
    captured = MoneyField(amount="revenue_captured")
    refunded = MoneyField(amount="revenue_refunded")
    revenue = MoneyField(amount="revenue")
    returns_requested = serializers.IntegerField(help_text="Returns, not orders: one may have several.")
    returns_approved = serializers.IntegerField()
    returns_rejected = serializers.IntegerField()
    returns_received = serializers.IntegerField(help_text="By the first of their goods.")


class RevenueOut(serializers.Serializer[Any]):
    """Money in one of several currencies."""

    amount = serializers.SerializerMethodField()
    currency = serializers.CharField()

    def get_amount(self, revenue: queries.Revenue) -> str:
        """Return the amount with the decimals of its currency."""
        return as_text(revenue.amount, revenue.currency)


class ProductFiguresOut(serializers.Serializer[Any]):
    """Quantities and revenue of a product."""

    sku = serializers.CharField()
    name = serializers.CharField()
    quantity_ordered = serializers.IntegerField()
    quantity_sold = serializers.IntegerField(help_text="Taken from the stock for paid orders.")
    quantity_restocked = serializers.IntegerField(help_text="Part of these that came back.")
    ordered = RevenueOut(many=True, source="revenue_ordered", help_text="Ordered revenue, by currency.")


class FunnelOut(serializers.Serializer[Any]):
    """Number of the orders placed in a period that have reached a step."""

    step = serializers.CharField()
    orders = serializers.IntegerField()
    share = serializers.FloatField(help_text="Of the orders placed, 0 to 1.")


class StepTimeOut(serializers.Serializer[Any]):
    """Duration between two steps of an order."""

    since = serializers.CharField()
    until = serializers.CharField()
    orders = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True, help_text="Seconds; half of the orders took no longer.")
    p99 = serializers.FloatField(allow_null=True, help_text="Seconds; 99 % of the orders took no longer.")


class VersionBesideOut(serializers.Serializer[Any]):
    """A second version of a projection, beside the live one."""

    version = serializers.IntegerField()
    position = serializers.IntegerField(
        source="lag.position", allow_null=True, help_text="As of the live one; null until it is filled."
    )
    events_waiting = serializers.IntegerField(source="lag.waiting", allow_null=True)
    lag_seconds = serializers.FloatField(source="lag.seconds", allow_null=True)


class ProjectionOut(serializers.Serializer[Any]):
    """A projection: the code that makes read models of events, and how far it is behind the log."""

    name = serializers.CharField()
    version = serializers.IntegerField(help_text="Version that made the read models.")
    newest_version = serializers.IntegerField(help_text="If it differs, a rebuild is due.")
    read_models = serializers.ListField(child=serializers.CharField())
    rebuilt_at = serializers.DateTimeField(allow_null=True)
    position = serializers.IntegerField(
        source="lag.position", help_text="Up to this position of the log, all is consumed or a dead letter."
    )
    log_position = serializers.IntegerField(source="lag.end", help_text="Newest position of the log.")
    events_waiting = serializers.IntegerField(
        source="lag.waiting", help_text="Events that are not consumed yet, counted up to 10,000."
    )
    lag_seconds = serializers.FloatField(
        source="lag.seconds", help_text="Age of the oldest of them; 0 without one."
    )
    open_dead_letters = serializers.IntegerField(
        source="lag.open_dead_letters", help_text="Events that are missing until an operator replays them."
    )
    beside = VersionBesideOut(
        allow_null=True, help_text="Second version beside the live one, if there is one."
    )


class StaffView(TellsLag):
    """Base of the views: for staff, with validated parameters."""

    parameters: type[serializers.Serializer[Any]] = Period

    def validated(self, request: Request) -> dict[str, Any]:
        """Return the parameters of a request, with defaults filled in."""
        given = self.parameters(data=request.query_params.dict())
        given.is_valid(raise_exception=True)
        valid: dict[str, Any] = given.validated_data
        return valid


class DailySales(StaffView):
    """Orders, revenue and returns of each day."""

    permissions = {"GET": staff("analytics.view_dailysales")}
    parameters = SalesQuery

    @extend_schema(
        summary="Orders, revenue and returns per day",
        tags=["analytics"],
        parameters=[SalesQuery, LAG_PARAMETER],
        responses=DayOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the days with orders, revenue or returns, newest first."""
        return Response(DayOut(queries.daily_sales(**self.validated(request)), many=True).data)


class BestSellers(StaffView):
    """Best-selling products."""

    permissions = {"GET": staff("analytics.view_productsales", "analytics.view_productrevenue")}
    parameters = Ranking

    @extend_schema(
        summary="Best-selling products",
        tags=["analytics"],
        parameters=[Ranking, LAG_PARAMETER],
        responses=ProductFiguresOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the products with the greatest quantities."""
        return Response(ProductFiguresOut(queries.best_sellers(**self.validated(request)), many=True).data)


class Funnel(StaffView):
    """Steps that orders reach."""

    permissions = {"GET": staff("analytics.view_orderfact")}

    @extend_schema(
        summary="Steps that orders reach",
        tags=["analytics"],
        parameters=[Period, LAG_PARAMETER],
        responses=FunnelOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """Count the orders placed in the period that have reached each step."""
        return Response(FunnelOut(queries.funnel(**self.validated(request)), many=True).data)


class StepTimes(StaffView):
    """Durations of the steps of orders."""

    permissions = {"GET": staff("analytics.view_orderfact")}

    @extend_schema(
        summary="Durations of steps",
        tags=["analytics"],
        parameters=[Period, LAG_PARAMETER],
        responses=StepTimeOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """Return median and 99th percentile for the orders placed in the period."""
        return Response(StepTimeOut(queries.step_times(**self.validated(request)), many=True).data)


class Projections(APIView):
    """Projections and their lag."""

    permissions = {"GET": staff("analytics.view_projection")}

    @extend_schema(
        summary="Projections and their lag", tags=["analytics"], responses=ProjectionOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """List the projections with version, position in the log and lag."""
        return Response(ProjectionOut(positions.progress(), many=True).data)


def _today() -> date:
    return datetime.now(UTC).date()
