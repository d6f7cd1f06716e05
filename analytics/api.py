"""How staff ask analytics over REST."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import queries
from shop.rest.fields import MoneyField

#: Days that are told of unless others are asked for: today and those before.
DAYS = 30


class Period(serializers.Serializer[Any]):
    """The days asked for, both included; the last 30 unless told otherwise."""

    since = serializers.DateField(required=False, help_text="First day (UTC).")
    until = serializers.DateField(required=False, help_text="Last day (UTC).")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("until", max(_today(), attrs.get("since", date.min)))
        attrs.setdefault("since", attrs["until"] - timedelta(days=DAYS - 1))
        if attrs["since"] > attrs["until"]:
            raise serializers.ValidationError({"since": ["Choose a day that is not after until."]})
        return attrs


class SalesQuery(Period):
    """The days and the currency asked for."""

    currency = serializers.RegexField("^[A-Z]{3}$", required=False, help_text="ISO 4217, as in EUR.")


class Ranking(serializers.Serializer[Any]):
    """What best sellers are ranked by, and how many are told."""

    by = serializers.ChoiceField(["sold", "ordered", "restocked"], default="sold")
    limit = serializers.IntegerField(min_value=1, max_value=200, default=10)


class DayOut(serializers.Serializer[Any]):
    """A day in a currency."""

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


class RevenueOut(serializers.Serializer[Any]):
    """Money, of one of several currencies."""

    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    currency = serializers.CharField()


class ProductFiguresOut(serializers.Serializer[Any]):
    """How a product sells."""

    sku = serializers.CharField()
    name = serializers.CharField()
    quantity_ordered = serializers.IntegerField()
    quantity_sold = serializers.IntegerField(help_text="Taken from the stock for paid orders.")
    quantity_restocked = serializers.IntegerField(help_text="Of these, what came back.")
    ordered = RevenueOut(many=True, source="revenue_ordered", help_text="What was ordered, by currency.")


class FunnelOut(serializers.Serializer[Any]):
    """How many of the orders placed in a time got so far."""

    step = serializers.CharField()
    orders = serializers.IntegerField()
    share = serializers.FloatField(help_text="Of the orders placed, 0 to 1.")


class StepTimeOut(serializers.Serializer[Any]):
    """How long orders take from one step to another."""

    since = serializers.CharField()
    until = serializers.CharField()
    orders = serializers.IntegerField()
    p50 = serializers.FloatField(allow_null=True, help_text="Seconds; half of the orders took no longer.")
    p99 = serializers.FloatField(allow_null=True, help_text="Seconds; 99 % of the orders took no longer.")


class StaffView(APIView):
    """Figures are for staff; the query is validated, and what it does not know is refused."""

    permission_classes = [IsAdminUser]
    asked: type[serializers.Serializer[Any]] = Period

    def question(self, request: Request) -> dict[str, Any]:
        """What was asked for, with defaults filled in."""
        asked = self.asked(data=request.query_params)
        unknown = request.query_params.keys() - asked.fields.keys() - {"format"}
        if unknown:
            remedy = f"Unknown parameter: remove it. Known are {', '.join(asked.fields)}."
            raise serializers.ValidationError({name: [remedy] for name in sorted(unknown)}, "unknown_field")
        asked.is_valid(raise_exception=True)
        answer: dict[str, Any] = asked.validated_data
        return answer


class DailySales(StaffView):
    """Orders and revenue of each day."""

    asked = SalesQuery

    @extend_schema(
        summary="Orders and revenue per day",
        tags=["analytics"],
        parameters=[SalesQuery],
        responses=DayOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """The days on which anything happened, newest first."""
        return Response(DayOut(queries.daily_sales(**self.question(request)), many=True).data)


class BestSellers(StaffView):
    """The products that sell best."""

    asked = Ranking

    @extend_schema(
        summary="Best-selling products",
        tags=["analytics"],
        parameters=[Ranking],
        responses=ProductFiguresOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """The products with the greatest quantity."""
        return Response(ProductFiguresOut(queries.best_sellers(**self.question(request)), many=True).data)


class Funnel(StaffView):
    """How far orders get."""

    @extend_schema(
        summary="How far orders get", tags=["analytics"], parameters=[Period], responses=FunnelOut(many=True)
    )
    def get(self, request: Request) -> Response:
        """How many of the orders placed in these days reached each step so far."""
        return Response(FunnelOut(queries.funnel(**self.question(request)), many=True).data)


class StepTimes(StaffView):
    """How long orders take."""

    @extend_schema(
        summary="How long the steps take",
        tags=["analytics"],
        parameters=[Period],
        responses=StepTimeOut(many=True),
    )
    def get(self, request: Request) -> Response:
        """Median and 99th percentile of the orders placed in these days."""
        return Response(StepTimeOut(queries.step_times(**self.question(request)), many=True).data)


def _today() -> date:
    return datetime.now(UTC).date()
