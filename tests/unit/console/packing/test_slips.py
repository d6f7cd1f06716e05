"""Packing slips: what goes into the parcel and where, as a page and as PDF, in any script or not at all."""

import re
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from console.packing import letters, page
from console.packing.letters import font_file, unprintable
from console.packing.pdf import CannotPrint, pdf_of
from console.packing.slip import Slip, slip_of
from orders.queries import Line
from shipping.carrier import Destination
from shipping.models import Shipment
from shop.ids import uuid7

LINES = [Line("TEA-MINT", "Mint tea", 2, Decimal("4.50"), "EUR"), Line("MUG", "Mug", 1, Decimal("9"), "EUR")]
PLACED = datetime(2026, 11, 29, 23, 30, tzinfo=UTC)
needs_font = pytest.mark.skipif(not font_file(), reason="there is no font of many scripts")


def slip(name: str = "Alice Liddell", lines: list[Line] = LINES) -> Slip:
    to = Destination(
        name=name, street="1 Rabbit Hole", city="Oxford", postal_code="OX1 1AA", country="GB", phone="+44 1"
    )
    return Slip(uuid7(), "ORD-1042", PLACED, to, lines, "DHL", "1Z9", has_label=True)


def pages_of(pdf: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b(?!s)", pdf))


def drawn(pdf: bytes) -> bytes:
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.S)
    return b"".join(zlib.decompress(one) for one in streams)


@pytest.fixture
def no_font(settings, monkeypatch):
    monkeypatch.setattr(letters, "_USUAL", ())
    settings.SHOP_PDF_FONT = ""


def test_a_slip_has_address_lines_and_the_number_as_a_code():
    assert slip().address == ["Alice Liddell", "1 Rabbit Hole", "OX1 1AA Oxford", "GB", "+44 1"]
    assert slip().pieces == 3
    assert slip().code.designator.startswith("1-")


def test_a_pdf_without_a_font_file_says_all_that_the_page_says(no_font):
    content = drawn(pdf_of(slip("Zoë Liddell")))
    for text in (
        "ORD-1042",
        "2026-11-29 23:30 UTC",
        "Zoë Liddell",
        "1 Rabbit Hole",
        "1Z9",
        "TEA-MINT",
        "Mint tea",
    ):
        assert text.encode("latin-1") in content
    dark = sum(map(sum, slip().code.matrix))
    assert content.count(b" re\nf") == dark or content.count(b" re f") == dark


def test_a_pdf_has_the_time_of_the_order_in_the_zone_and_language_of_who_prints_it(no_font):
    with timezone.override(ZoneInfo("Europe/Berlin")), translation.override("de"):
        content = drawn(pdf_of(slip()))
    for text in ("Packzettel ORD-1042", "30.11.2026 00:30 CET", "3 Stück"):
        assert text.encode("latin-1") in content


def test_a_letter_that_the_font_lacks_is_refused_and_not_left_out(no_font):
    with pytest.raises(CannotPrint, match="“Łś”"):
        pdf_of(slip("Łukasz Waśniewski"))


def test_long_orders_take_several_pages(no_font):
    many = [Line(f"SKU-{n}", "A thing with a long name " * 4, 1, Decimal(1), "EUR") for n in range(60)]
    assert pages_of(pdf_of(slip(lines=many))) > 1


@needs_font
@pytest.mark.parametrize("name", ["Łukasz Waśniewski", "Ольга", "Γιώργος", "Zoe\u0308"])
def test_names_in_scripts_of_the_font_are_printed(name):
    assert pages_of(pdf_of(slip(name))) == 1


@needs_font
@pytest.mark.parametrize("name", ["محمد", "王小明", "नमिता", "สมชาย", "דוד", "a\u202eb"])
def test_names_that_would_come_out_wrong_are_refused(name):
    with pytest.raises(CannotPrint):
        pdf_of(slip(name))


def test_what_joins_its_letters_is_not_printable_though_the_font_has_them():
    assert unprintable("ab محمد", frozenset(map(ord, "ab محمد"))) == "محد"
    assert unprintable("Zoe\u0308", frozenset(map(ord, "Zoë"))) == ""


def test_the_slip_of_a_shipment_and_its_pdf(shop, operator, client, no_font):
    order = shop.delivered()
    parcel = Shipment.objects.get(order_id=order.pk)
    found = slip_of(parcel.pk)
    assert found
    assert (found.number, found.pieces, found.has_label) == (order.number, 3, True)
    assert slip_of(uuid7()) is None
    client.force_login(operator)
    shown = client.get(reverse("packing-slip", args=[parcel.pk])).content.decode()
    for text in (
        order.number,
        "<svg",
        "Alice Liddell",
        "TEA-MINT",
        reverse("packing-slip-pdf", args=[parcel.pk]),
    ):
        assert text in shown
    pdf = client.get(reverse("packing-slip-pdf", args=[parcel.pk]))
    assert (pdf.headers["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")

    Shipment.objects.filter(pk=parcel.pk).update(name="王小明")
    instead = client.get(reverse("packing-slip-pdf", args=[parcel.pk]), follow=True).content.decode()
    assert "print this page" in instead
    assert "<bdi>王小明</bdi>" in instead


def test_without_fpdf2_the_page_is_what_is_printed(shop, operator, client, monkeypatch):
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    parcel = Shipment.objects.get(order_id=shop.delivered().pk)
    client.force_login(operator)
    url = reverse("packing-slip-pdf", args=[parcel.pk])
    answer = client.get(url)
    assert answer.url == reverse("packing-slip", args=[parcel.pk])
    shown = client.get(answer.url).content.decode()
    assert "requirements-pdf.txt" in shown
    assert url not in shown
