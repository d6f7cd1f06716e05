"""URLs of the simulated bank. They are not found while another gateway takes the payments."""

from django.urls import path

from payments.simulator import bank

urlpatterns = [path("bank/<str:signed>/", bank.page, name="simulated-bank")]
