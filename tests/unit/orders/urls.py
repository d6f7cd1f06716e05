"""The addresses that these tests use."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("api/v1/", include("orders.urls")),
    path("api/v1/", include("inventory.urls")),
    path("admin/", admin.site.urls),
]
