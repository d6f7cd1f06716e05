"""URLs of the console, below ``/admin/``."""

from django.contrib import admin
from django.urls import path

from console.doctor.page import doctor_page
from console.flow.consumer_page import consumer_page
from console.flow.page import flow_page, workers_page
from console.packing.page import packing_slip, packing_slip_pdf
from console.sales.page import sales_page
from shop.accounts.time_zone_page import time_zone_page

urlpatterns = [
    path("doctor/", admin.site.admin_view(doctor_page), name="doctor"),
    path("consumers/<str:consumer>/", admin.site.admin_view(consumer_page), name="consumer"),
    path("flow/", admin.site.admin_view(flow_page), name="flow"),
    path("packing-slip/<uuid:shipment_id>/", admin.site.admin_view(packing_slip), name="packing-slip"),
    path(
        "packing-slip/<uuid:shipment_id>/pdf/",
        admin.site.admin_view(packing_slip_pdf),
        name="packing-slip-pdf",
    ),
    path("sales/", admin.site.admin_view(sales_page), name="sales"),
    path("time-zone/", admin.site.admin_view(time_zone_page), name="time-zone"),
    path("workers/", admin.site.admin_view(workers_page), name="workers"),
]
