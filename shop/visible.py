"""Visible text: a name of zero-width characters alone would make a label without a name."""

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

#: Letters and symbols that are drawn as nothing: fillers of Hangul, and the blank of Braille.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def is_visible(text: str) -> bool:
    """Tell whether a text has a character that leaves ink."""
    return any(_has_ink(character) for character in text)


def check_visible(text: str) -> None:
    """Refuse a text that nobody can see."""
    if not is_visible(text):
        raise ValidationError(gettext("Enter at least one character that can be seen."), "invisible")


def _has_ink(character: str) -> bool:
    return character not in _BLANK and unicodedata.category(character)[0] in "LNPS"
