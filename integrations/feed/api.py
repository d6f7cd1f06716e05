"""REST API of the feed: all events for integrators, those of their own orders for customers."""

import re
from typing import Any
from uuid import UUID

import orjson
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from integrations.feed import pages
from integrations.feed.grants import SLOT, Grant
from integrations.feed.serializers import MAX_WAIT, NOW, FeedPageOut, FeedQuery
from integrations.models import ALL_EVENTS
from shop.messaging.owners import owners_of
from shop.rest.fast.rendering import JSONRenderer
from shop.rest.permissions import accounts
from shop.rest.problems import Problem

#: Permission of staff to read the events of all customers.
READ_ALL = "integrations.read_events"
_PREFERRED_WAIT = re.compile(r"(?:^|[,;]\s*)wait=(\d{1,4})\b", re.ASCII)
_EVENT_STREAM = "text/event-stream"
_LAST_EVENT_ID = OpenApiParameter(
    "Last-Event-ID",
    {"type": "string", "pattern": "^[0-9]{1,18}$"},
    OpenApiParameter.HEADER,
    description="Position of the last event that came: a browser sends it when it connects again.",
)
_RESPONSES: dict[Any, Any] = {
    (200, "application/json"): FeedPageOut,
    (200, _EVENT_STREAM): OpenApiResponse(
        OpenApiTypes.STR, description="`id` is the position and `data` the CloudEvent, on one line."
    ),
}


class FeedAway(Problem, code="unavailable"):
    """Event stream of a process that serves none (503)."""

    default_detail = "There are no event streams at the moment: read pages, or repeat the request later."


class EventStreamRenderer(BaseRenderer):
    """Stands for event streams among the media types. The feed's process writes them itself."""

    media_type = _EVENT_STREAM
    format = "event-stream"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        """Render what is no stream, as JSON."""
        return JSONRenderer().render(data)


class FeedView(APIView):
    """Base of the views: it grants what is asked for, and fulfils a page at once where nothing else can."""

    #: A scope of its own: ``events:read``.
    permissions = {"GET": accounts("events.read")}
    parameters = FeedQuery
    renderer_classes: Any = (*api_settings.DEFAULT_RENDERER_CLASSES, EventStreamRenderer)

    def answer(self, request: Request, aggregate: UUID | None = None) -> Response:
        """Return the grant through the slot of the feed's process, or else a page."""
        renderer = getattr(request, "accepted_renderer", None)
        is_stream = isinstance(renderer, EventStreamRenderer)
        grant = self._grant(request, aggregate, is_stream=is_stream)
        slot = request.META.get(SLOT)
        if slot is not None and request.method == "GET" and isinstance(renderer, _FULFILLED):
            slot.append(grant)
            return Response(None)
        if is_stream:
            raise FeedAway
        page = pages.read(grant, after=grant.after, until=pages.horizon())
        return Response(orjson.loads(pages.encode(grant, page)))

    def _grant(self, request: Request, aggregate: UUID | None, *, is_stream: bool) -> Grant:
        may_see_all = may_read_all(request)
        if aggregate:
            owner = owners_of([aggregate]).get(aggregate)
            if owner is None or not (may_see_all or owner == request.user.pk):
                raise Http404
        query = FeedQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        return Grant(
            account=int(request.user.pk or 0),
            after=_position(request, asked.get("after", "0")),
            types=asked.get("types", (ALL_EVENTS,)),
            limit=asked["limit"],
            wait=asked["wait"] or _preferred_wait(request),
            is_stream=is_stream,
            customer=None if may_see_all else request.user.pk,
            aggregate=aggregate,
            url=request.build_absolute_uri(request.path),
        )


_FULFILLED = (JSONRenderer, EventStreamRenderer)


class Events(FeedView):
    """Feed of events."""

    @extend_schema(
        summary="Read the feed of events",
        tags=["events"],
        parameters=[FeedQuery, _LAST_EVENT_ID],
        responses=_RESPONSES,
    )
    def get(self, request: Request) -> Response:
        """Read events after a position, in the order of the log.

        Staff with `integrations.read_events` get all events, as webhooks send them. Customers get those of
        their own orders, without data. Ask for `text/event-stream` to be sent events as they come.
        """
        return self.answer(request)


class OrderEvents(FeedView):
    """Feed of the events of one order."""

    @extend_schema(
        summary="Read the feed of an order",
        tags=["events"],
        parameters=[FeedQuery, _LAST_EVENT_ID],
        responses={**_RESPONSES, 404: OpenApiResponse(description="There is no such order.")},
    )
    def get(self, request: Request, pk: UUID) -> Response:
        """Read the events of an order after a position, as `GET /events` does for all."""
        return self.answer(request, pk)


def may_read_all(request: Request) -> bool:
    """Tell whether the events of all customers may be read. The scope of a key is checked already."""
    user = request.user
    return bool(user.is_staff and user.has_perm(READ_ALL))


def _position(request: Request, asked: str) -> int:
    if (last := request.headers.get("Last-Event-ID", "")).isdecimal() and len(last) <= 18:
        asked = last
    if asked == "0":
        return 0
    newest = pages.horizon()
    if asked == NOW:
        return newest
    if newest and int(asked) > newest:
        text = f"The log ends at {newest}: begin there, or with `{NOW}`."
        raise ValidationError({"after": [text]}, code="out_of_range")
    return int(asked)


def _preferred_wait(request: Request) -> float:
    found = _PREFERRED_WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found[1]), MAX_WAIT) if found else 0.0
