"""URLs of the REST API of notifications."""

from django.urls import path

from notifications import api

urlpatterns = [
    path("notifications", api.Notifications.as_view(), name="notification-list"),
    path("notifications/<uuid:pk>", api.NotificationDetail.as_view(), name="notification-detail"),
    path("notifications/<uuid:pk>/resend", api.NotificationResend.as_view(), name="notification-resend"),
]
