"""The REST addresses of integrations."""

from django.urls import path

from integrations import api
from integrations.feed import api as feed

_ENDPOINT, _DELIVERY = "webhook-endpoints/<uuid:pk>", "webhook-deliveries/<int:pk>"

urlpatterns = [
    path("events", feed.Events.as_view(), name="events"),
    path("orders/<uuid:pk>/events", feed.OrderEvents.as_view(), name="order-events"),
    path("webhook-event-types", api.EventTypes.as_view(), name="webhook-event-types"),
    path("webhook-endpoints", api.Endpoints.as_view(), name="webhook-endpoint-list"),
    path(_ENDPOINT, api.EndpointDetail.as_view(), name="webhook-endpoint"),
    path(f"{_ENDPOINT}/rotate-secret", api.EndpointRotation.as_view(), name="webhook-endpoint-rotate"),
    path(f"{_ENDPOINT}/pause", api.EndpointPause.as_view(), name="webhook-endpoint-pause"),
    path(f"{_ENDPOINT}/resume", api.EndpointResumption.as_view(), name="webhook-endpoint-resume"),
    path(f"{_ENDPOINT}/test", api.EndpointTest.as_view(), name="webhook-endpoint-test"),
    path(f"{_ENDPOINT}/send-again", api.EndpointRange.as_view(), name="webhook-endpoint-send-again"),
    path("webhook-deliveries", api.Deliveries.as_view(), name="webhook-delivery-list"),
    path(_DELIVERY, api.DeliveryDetail.as_view(), name="webhook-delivery"),
    path(f"{_DELIVERY}/send-again", api.DeliveryAgain.as_view(), name="webhook-delivery-send-again"),
]
