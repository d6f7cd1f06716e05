"""Labels of the simulated carrier on paper: a PDF of one page, 4 by 6 inches."""

#: Width and height in points.
_PAGE = (288, 432)
_LEADING = 24


def pdf(lines: list[str]) -> bytes:
    """Return a page with lines of text. Letters beyond Western Europe are shown as question marks."""
    text = "\n".join(f"({_escape(line)}) Tj T*" for line in lines)
    stream = f"BT /F1 14 Tf {_LEADING} TL 24 {_PAGE[1] - 48} Td\n{text}\nET".encode("cp1252", "replace")
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
    page = (
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_PAGE[0]} {_PAGE[1]}] /Contents 4 0 R "
        "/Resources << /Font << /F1 5 0 R >> >> >>"
    )
    return _document(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page.encode(),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
            font,
        ]
    )


def _document(objects: list[bytes]) -> bytes:
    """Return a file of objects, the first of which is the catalogue, with the table of their places."""
    body, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return (
        b"%sxref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (body, size, table, size, len(body))
    )


def _escape(text: str) -> str:
    visible = "".join(letter if letter.isprintable() else " " for letter in text)
    return visible.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
