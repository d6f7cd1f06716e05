"""REST API of webhooks, for staff and integrators: endpoints, deliveries, and sending again."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from integrations import catalogue, resending, services
from integrations.errors import IntegrationsError, InvalidEndpoint
from integrations.models import Delivery, Endpoint
from integrations.serializers import (
    AcceptedOut,
    DeliveryDetailOut,
    DeliveryOut,
    EndpointChangeIn,
    EndpointIn,
    EndpointOut,
    EventTypeOut,
    NewSecretOut,
    RangeIn,
    ResumptionIn,
)
from shop import journal
from shop.messaging.contracts import is_replaced
from shop.rest.contract import IF_MATCH
from shop.rest.etags import ETagged, check_if_match
from shop.rest.idempotency import idempotent
from shop.rest.permissions import staff
from shop.rest.problems import Conflict

T = TypeVar("T")
VIEW, CHANGE = "integrations.view_endpoint", "integrations.change_endpoint"
#: Permissions to send tests and events again.
SEND = (VIEW, "integrations.view_delivery", "integrations.send_again")
_WRONG = OpenApiResponse(description="A field is wrong, missing or unknown.")
_STOPPED = OpenApiResponse(
    description="The endpoint is stopped, or not stopped: its state does not allow it."
)
_NONE = OpenApiResponse(description="There is no such endpoint.")


def run(act: Callable[[], T]) -> T:
    """Run a service; its refusals become problems."""
    try:
        return act()
    except (Endpoint.DoesNotExist, Delivery.DoesNotExist) as error:
        raise NotFound from error
    except InvalidEndpoint as refusal:
        raise ValidationError({refusal.field: [str(refusal)]}, "invalid") from refusal
    except IntegrationsError as refusal:
        raise Conflict(str(refusal)) from refusal


def _valid(kind: type[Any], request: Request) -> dict[str, Any]:
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    data: dict[str, Any] = body.validated_data
    return data


class EndpointView(GenericAPIView[Endpoint]):
    """Base of the views of endpoints."""

    serializer_class: Any = EndpointOut
    queryset = Endpoint.objects.all()

    def shown(self, endpoint: Endpoint, secret: str = "", status: int = 200) -> Response:
        """Return an endpoint, with its secret if that is new."""
        context = self.get_serializer_context()
        if not secret:
            return Response(EndpointOut(endpoint, context=context).data, status=status)
        endpoint.secret = secret  # for this answer alone
        body = NewSecretOut(endpoint, context=context).data
        return Response(body, status=status, headers={"Cache-Control": "no-store"})


@extend_schema_view(get=extend_schema(summary="List webhook endpoints", tags=["webhooks"]))
class Endpoints(EndpointView, ListAPIView[Endpoint]):
    """List the endpoints, newest first, and make new ones."""

    permissions = {"GET": staff(VIEW), "POST": staff(VIEW, "integrations.add_endpoint")}

    def get_serializer_class(self) -> Any:
        """Return the serializer of requests for the form of the browsable API."""
        return EndpointIn if self.request.method == "POST" else EndpointOut

    @extend_schema(
        summary="Make a webhook endpoint",
        tags=["webhooks"],
        request=EndpointIn,
        responses={
            201: NewSecretOut,
            400: _WRONG,
            409: OpenApiResponse(description="There are too many endpoints: delete one first."),
        },
    )
    @idempotent(remembered=False)  # no secret is stored
    def post(self, request: Request) -> Response:
        """Make an endpoint. Events from now on are sent to it, signed with the secret of this answer."""
        wanted = _valid(EndpointIn, request)
        with transaction.atomic():
            endpoint, secret = run(lambda: services.create_endpoint(**wanted))
            journal.record(request, endpoint, "Made it.")
        return self.shown(endpoint, secret, status=201)


@extend_schema_view(
    get=extend_schema(
        summary="Read a webhook endpoint", tags=["webhooks"], responses={200: EndpointOut, 404: _NONE}
    )
)
class EndpointDetail(ETagged, EndpointView, RetrieveAPIView[Endpoint]):
    """One endpoint."""

    permissions = {
        "GET": staff(VIEW),
        "PATCH": staff(VIEW, CHANGE),
        "DELETE": staff(VIEW, "integrations.delete_endpoint"),
    }

    @extend_schema(
        summary="Change a webhook endpoint",
        tags=["webhooks"],
        parameters=[IF_MATCH],
        request=EndpointChangeIn,
        responses={200: EndpointOut, 400: _WRONG, 404: _NONE},
    )
    @idempotent()
    def patch(self, request: Request, pk: UUID) -> Response:
        """Change address, event types, contact or description; what is left out stays."""
        changes = _valid(EndpointChangeIn, request)
        locked = Endpoint.objects.select_for_update()
        with transaction.atomic():
            check_if_match(request, lambda: self.get_serializer(get_object_or_404(locked, pk=pk)).data)
            endpoint = run(lambda: services.change_endpoint(endpoint_id=pk, **changes))
            journal.record(request, endpoint, f"Changed {', '.join(sorted(changes)) or 'nothing'}.")
        return self.shown(endpoint)

    @extend_schema(summary="Delete a webhook endpoint", tags=["webhooks"], responses={204: None, 404: _NONE})
    @idempotent()
    def delete(self, request: Request, pk: UUID) -> Response:
        """Delete an endpoint with its deliveries."""
        with transaction.atomic():
            journal.record(request, self.get_object(), "Deleted it.")
            run(lambda: services.delete_endpoint(endpoint_id=pk))
        return Response(status=204)


class EndpointRotation(EndpointView):
    """Replacement of the secret."""

    permissions = {"POST": staff(VIEW, CHANGE)}

    @extend_schema(
        summary="Replace the secret of a webhook endpoint",
        tags=["webhooks"],
        request=None,
        responses={200: NewSecretOut, 404: _NONE},
    )
    @idempotent(remembered=False)  # no secret is stored
    def post(self, request: Request, pk: UUID) -> Response:
        """Make a new secret. Until `former_secret_ends_at` each request is signed with both."""
        with transaction.atomic():
            endpoint, secret = run(lambda: services.rotate_secret(endpoint_id=pk))
            journal.record(request, endpoint, "Replaced its secret.")
        return self.shown(endpoint, secret)


class EndpointPause(EndpointView):
    """Pause of an endpoint."""

    permissions = {"POST": staff(VIEW, CHANGE)}

    @extend_schema(
        summary="Pause a webhook endpoint",
        tags=["webhooks"],
        request=None,
        responses={200: EndpointOut, 404: _NONE, 409: _STOPPED},
    )
    @idempotent()
    def post(self, request: Request, pk: UUID) -> Response:
        """Send nothing more to it. What happens until it is resumed is not collected."""
        by = request.user.get_username()
        with transaction.atomic():
            endpoint = run(lambda: services.pause_endpoint(endpoint_id=pk, by=by))
            journal.record(request, endpoint, "Paused it.")
        return self.shown(endpoint)


class EndpointResumption(EndpointView):
    """Resumption of an endpoint."""

    permissions = {"POST": staff(VIEW, CHANGE)}

    @extend_schema(
        summary="Resume a webhook endpoint",
        tags=["webhooks"],
        request=ResumptionIn,
        responses={200: EndpointOut, 400: _WRONG, 404: _NONE, 409: _STOPPED},
    )
    @idempotent()
    def post(self, request: Request, pk: UUID) -> Response:
        """Send to it again, and with `since` also what it missed."""
        since = _valid(ResumptionIn, request).get("since")
        with transaction.atomic():
            endpoint = run(lambda: services.resume_endpoint(endpoint_id=pk))
            if since:
                resending.send_again(endpoint_id=pk, since=since)
            journal.record(request, endpoint, "Resumed it.")
        return self.shown(endpoint)


class EndpointTest(EndpointView):
    """Test of an endpoint."""

    serializer_class = DeliveryOut
    permissions = {"POST": staff(*SEND)}

    @extend_schema(
        summary="Send a test to a webhook endpoint",
        tags=["webhooks"],
        request=None,
        responses={202: DeliveryOut, 404: _NONE, 409: _STOPPED},
    )
    @idempotent()
    def post(self, request: Request, pk: UUID) -> Response:
        """Send `integrations.EndpointTested.v1`. The delivery tells what became of it."""
        with transaction.atomic():
            delivery = run(lambda: resending.send_test(endpoint_id=pk))
            journal.record(request, delivery.endpoint, "Sent a test.")
        return Response(DeliveryOut(delivery, context=self.get_serializer_context()).data, status=202)


class EndpointRange(EndpointView):
    """Events of a time, sent again."""

    permissions = {"POST": staff(*SEND)}

    @extend_schema(
        summary="Send the events of a time again",
        tags=["webhooks"],
        request=RangeIn,
        responses={202: AcceptedOut, 400: _WRONG, 404: _NONE, 409: _STOPPED},
    )
    @idempotent()
    def post(self, request: Request, pk: UUID) -> Response:
        """Send all events of a time that the endpoint wants, whether it got them or not, from the log."""
        wanted = _valid(RangeIn, request)
        with transaction.atomic():
            request_id = run(lambda: resending.send_again(endpoint_id=pk, **wanted))
            journal.record(request, services.lock(pk), "Had events sent again.")
        return Response({"request_id": request_id}, status=202)


class DeliveryFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Filters of deliveries."""

    endpoint_id = django_filters.UUIDFilter()
    event_id = django_filters.UUIDFilter()
    aggregate_id = django_filters.UUIDFilter(label="Id of what the event is about, such as an order")

    class Meta:
        model = Delivery
        fields = ("endpoint_id", "event_id", "aggregate_id", "state")


@extend_schema_view(get=extend_schema(summary="List webhook deliveries", tags=["webhooks"]))
class Deliveries(ListAPIView[Delivery]):
    """List the deliveries, newest first."""

    permissions = {"GET": staff("integrations.view_delivery")}
    serializer_class = DeliveryOut
    filterset_class = DeliveryFilter
    queryset = Delivery.objects.all()


@extend_schema_view(get=extend_schema(summary="Read a webhook delivery", tags=["webhooks"]))
class DeliveryDetail(ETagged, RetrieveAPIView[Delivery]):
    """One delivery, with its body and its attempts."""

    permissions = {"GET": staff("integrations.view_delivery")}
    serializer_class = DeliveryDetailOut

    def get_queryset(self) -> QuerySet[Delivery]:
        """Fetch the deliveries with their attempts."""
        return Delivery.objects.prefetch_related("history")


class DeliveryAgain(GenericAPIView[Delivery]):
    """A delivery, sent again."""

    serializer_class = DeliveryOut
    permissions = {"POST": staff(*SEND)}
    queryset = Delivery.objects.all()

    @extend_schema(
        summary="Send an event again",
        tags=["webhooks"],
        request=None,
        responses={
            202: DeliveryOut,
            404: OpenApiResponse(description="There is no such delivery."),
            409: OpenApiResponse(description="It is on its way already, or its endpoint is stopped."),
        },
    )
    @idempotent()
    def post(self, request: Request, pk: int) -> Response:
        """Send the event again that was delivered or given up, under its same id."""
        with transaction.atomic():
            delivery = run(lambda: resending.send_one_again(delivery_id=pk))
            journal.record(request, delivery, "Sent it again.")
        return Response(DeliveryOut(delivery, context=self.get_serializer_context()).data, status=202)


class EventTypes(APIView):
    """Events that endpoints may choose."""

    permissions = {"GET": staff(VIEW)}

    @extend_schema(
        summary="List the events for webhooks", tags=["webhooks"], responses={200: EventTypeOut(many=True)}
    )
    def get(self, request: Request) -> Response:
        """List the events that endpoints may choose, by type and version."""
        rows = [
            {
                "type": kind.type,
                "description": (kind.__doc__ or "").strip().split("\n")[0],
                "is_newest": not is_replaced(kind.type),
            }
            for kind in catalogue.choices()
        ]
        return Response(rows)
