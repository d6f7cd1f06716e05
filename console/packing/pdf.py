"""Packing slip as PDF, drawn by fpdf2, which ``requirements-pdf.txt`` installs."""

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext
from fpdf import FPDF, XPos, YPos
from fpdf.fonts import FontFace, TTFFont

from console.packing.letters import composed, font_file, unprintable
from console.packing.slip import Slip

#: Millimetres: margin, height of a line, side of the code.
_MARGIN, _LINE, _CODE = 15, 6, 28
#: Widths of the columns, as parts of the page.
_COLUMNS = (12, 40, 90)
_FONT = "slip"


class CannotPrint(Exception):
    """The font of PDFs cannot print {characters}: print this page, or set SHOP_PDF_FONT."""

    def __init__(self, characters: str) -> None:
        super().__init__(gettext(str(self.__doc__)).format(characters=f"“{characters}”"))


def pdf_of(slip: Slip) -> bytes:
    """Return a packing slip as PDF.

    Raises:
        CannotPrint: the font lacks a letter of a name or an address.
    """
    pdf = FPDF(format="A4")
    try:
        _draw(pdf, slip)
        return bytes(pdf.output())
    finally:
        for font in pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.close()


def _draw(pdf: FPDF, slip: Slip) -> None:
    pdf.set_margin(_MARGIN)
    title = gettext("Packing slip %(number)s") % {"number": slip.number}
    pdf.set_title(title)
    _set_font(pdf, slip)
    pdf.add_page()
    _draw_code(pdf, slip)
    _write(pdf, title, size=18)
    date = date_format(localtime(slip.placed_at), "DATETIME_FORMAT")
    _write(pdf, gettext("Ordered %(date)s") % {"date": date}, size=10)
    pdf.ln(_LINE)
    for line in slip.address:
        _write(pdf, line, size=12)
    if slip.tracking_number:
        pdf.ln(_LINE)
        _write(pdf, f"{slip.carrier} {slip.tracking_number}", size=10)
    pdf.ln(_LINE)
    _draw_lines(pdf, slip)


def _set_font(pdf: FPDF, slip: Slip) -> None:
    """Choose the font, and refuse texts that it cannot print."""
    file, letters, family = font_file(), None, "Helvetica"
    if file:
        pdf.add_font(_FONT, fname=file)
        font = pdf.fonts[_FONT]
        letters = frozenset(font.cmap) if isinstance(font, TTFFont) else None
        family = _FONT
    texts = [*slip.address, slip.carrier, slip.tracking_number]
    texts += [text for line in slip.lines for text in (line.sku, line.name)]
    if missing := unprintable(" ".join(texts), letters):
        raise CannotPrint(missing)
    pdf.set_font(family, size=12)


def _write(pdf: FPDF, text: str, *, size: int) -> None:
    pdf.set_font_size(size)
    width = pdf.epw - (_CODE + 5 if pdf.get_y() < _MARGIN + _CODE else 0)
    pdf.multi_cell(width, _LINE, composed(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")


def _draw_code(pdf: FPDF, slip: Slip) -> None:
    """Draw the code of the number into the corner, a square for each dark module."""
    rows = slip.code.matrix
    side, left = _CODE / len(rows), pdf.w - _MARGIN - _CODE
    pdf.set_fill_color(0)
    for y, row in enumerate(rows):
        for x, is_dark in enumerate(row):
            if is_dark:
                pdf.rect(left + x * side, _MARGIN + y * side, side, side, style="F")


def _draw_lines(pdf: FPDF, slip: Slip) -> None:
    pdf.set_font_size(11)
    pdf.set_y(max(pdf.get_y(), _MARGIN + _CODE + _LINE))
    with pdf.table(
        col_widths=_COLUMNS,
        text_align=("RIGHT", "LEFT", "LEFT"),
        line_height=_LINE,
        headings_style=FontFace(emphasis=None, fill_color=230),  # the font has no bold letters
    ) as table:
        table.row((gettext("Qty"), gettext("SKU"), gettext("Product")))
        for line in slip.lines:
            table.row((str(line.quantity), composed(line.sku), composed(line.name)))
    pieces = ngettext("%(number)s piece", "%(number)s pieces", slip.pieces) % {"number": slip.pieces}
    _write(pdf, pieces, size=10)
