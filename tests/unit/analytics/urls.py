"""The addresses that these tests use."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("api/v1/", include("analytics.urls")), path("admin/", admin.site.urls)]
