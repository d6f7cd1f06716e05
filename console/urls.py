"""URLs of the console, below ``/admin/``."""

from django.contrib import admin
from django.urls import path

from console.doctor.page import doctor_page

urlpatterns = [
    path("doctor/", admin.site.admin_view(doctor_page), name="doctor"),
]
