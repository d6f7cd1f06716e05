"""Labels to be printed: a PDF of the simulated carrier, or where another one keeps it."""

import re

import pytest
from django.urls import reverse

from shipping.carrier import CarrierUnavailable, LabelPaper
from shipping.models import Shipment
from shipping.simulator.carrier import SimulatedCarrier
from shipping.simulator.paper import pdf

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client, admin_user):
    client.force_login(admin_user)
    return client


@pytest.fixture
def parcel(shipped):
    return Shipment.objects.get(order_id=shipped().order_id)


def url_of(parcel):
    return reverse("shipment-label", args=[parcel.pk])


def test_the_label_of_a_parcel_is_a_pdf_with_its_address_and_number(staff, parcel):
    answer = staff.get(url_of(parcel))
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="label-ORD-1042.pdf"'
    for text in ("Ada Lovelace", "12 St James's Sq", "SW1Y London", parcel.tracking_number):
        assert f"({text})".encode("cp1252") in answer.content


def test_the_table_of_a_pdf_names_the_place_of_each_object():
    page = pdf(["Zoë (c/o \\ Łukasz)", "\x07"])
    places = [int(place) for place in re.findall(rb"^(\d{10}) 00000 n", page, re.MULTILINE)]
    assert [page[place:].split(b"\n")[0] for place in places] == [b"%d 0 obj" % n for n in range(1, 6)]
    start = int(page.split(b"startxref\n")[1].split(b"\n")[0])
    assert page[start:].startswith(b"xref\n0 6\n")
    assert page.endswith(b"%%EOF\n")
    (length,) = re.findall(rb"/Length (\d+)", page)
    assert page.split(b"\nstream\n")[1][int(length) :].startswith(b"\nendstream")
    assert "(Zoë \\(c/o \\\\ ?ukasz\\))".encode("cp1252") in page


def test_a_label_that_the_carrier_keeps_is_where_the_answer_leads(staff, parcel, settings):
    settings.SHOP_CARRIER = f"{__name__}.KeepsLabels"
    answer = staff.get(url_of(parcel))
    assert (answer.status_code, answer.headers["Location"]) == (302, "https://labels.example/1.pdf")


class KeepsLabels(SimulatedCarrier):
    """Carrier that keeps the PDF itself."""

    def paper(self, *, key):
        return LabelPaper(url="https://labels.example/1.pdf")


def test_a_parcel_that_is_not_booked_has_no_label(staff, order, happened):
    created = happened(order())
    parcel = Shipment.objects.get(order_id=created.order_id)
    answer = staff.get(url_of(parcel))
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")

    page = staff.get(reverse("admin:shipping_shipment_label", args=[parcel.pk]), follow=True)
    assert b"has no label to print" in page.content
    assert b"Print label" not in page.content


def test_an_absent_carrier_is_told_apart_from_a_missing_label(staff, parcel, settings):
    settings.SHOP_CARRIER = f"{__name__}.IsAway"
    answer = staff.get(url_of(parcel))
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_away")
    page = staff.get(reverse("admin:shipping_shipment_label", args=[parcel.pk]), follow=True)
    assert b"No label: the carrier does not answer: try again in a moment" in page.content


class IsAway(SimulatedCarrier):
    """Carrier that does not answer."""

    def paper(self, *, key):
        raise CarrierUnavailable("away")


def test_the_page_of_a_parcel_offers_its_label(staff, parcel):
    page = staff.get(reverse("admin:shipping_shipment_change", args=[parcel.pk]))
    link = reverse("admin:shipping_shipment_label", args=[parcel.pk])
    assert link.encode() in page.content
    assert staff.get(link).content.startswith(b"%PDF-1.4")
