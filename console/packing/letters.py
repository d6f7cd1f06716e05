"""Letters of a PDF: its font, and the texts that this font can print as their readers write them."""

import unicodedata
from functools import cache
from pathlib import Path

from django.conf import settings

#: Places of a free font with Latin, Greek, Cyrillic, Armenian and Georgian letters: DejaVu, as Debian, Fedora
#: and Alpine have it.
_USUAL = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu/DejaVuSans.ttf",
)
#: Scripts whose letters stand side by side. Others join them, or write from the right, which the PDF cannot.
_SIMPLE = frozenset(
    [
        "LATIN",
        "GREEK",
        "CYRILLIC",
        "ARMENIAN",
        "GEORGIAN",
        "CJK",
        "HIRAGANA",
        "KATAKANA",
        "HANGUL",
        "BOPOMOFO",
    ]
)
_MARKS_AND_LETTERS = ("L", "M")


def font_file() -> str:
    """Return the font of ``SHOP_PDF_FONT``, or a usual one; empty for that of all PDFs, Latin-1 alone."""
    wanted: str = settings.SHOP_PDF_FONT
    return wanted or next((path for path in _USUAL if Path(path).is_file()), "")


def composed(text: str) -> str:
    """Return a text with its accents in its letters."""
    return unicodedata.normalize("NFC", text)


def unprintable(text: str, letters: frozenset[int] | None) -> str:
    """Return the characters of a text that the PDF cannot print right; of Latin-1 if no letters are given."""
    return "".join(dict.fromkeys(one for one in composed(text) if not _is_printable(one, letters)))


def _is_printable(character: str, letters: frozenset[int] | None) -> bool:
    if letters is None:
        return character.encode("latin-1", "ignore") != b"" and character.isprintable()
    return ord(character) in letters and _stands_alone(character)


@cache
def _stands_alone(character: str) -> bool:
    kind = unicodedata.category(character)
    if kind[0] not in _MARKS_AND_LETTERS:
        return kind[0] != "C"
    script = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    return script in _SIMPLE or character in "ªº"
