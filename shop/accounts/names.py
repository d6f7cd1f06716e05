"""Rules for the names of people, which carry no link and no hidden character."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from shop.visible import is_visible

#: The most characters of a first or last name.
MAX_LENGTH = 60
#: Marks of punctuation that names have: O'Neil, Jean-Luc, J. R., "Bob", Smith & Sons (UK).
_MARKS = set(" \N{NO-BREAK SPACE}'’ʼ`.,-‐‑–·()&\"")
#: A dot inside of a word, as in evil.example; initials and "Dr. No" have none.
_DOMAIN = re.compile(r"\w\.\w{2,}|\bwww\b|\bhttps?\b", re.IGNORECASE)


def is_plain_name(text: str) -> bool:
    """Tell whether a text could be the name of a person or a firm, and carries nothing else."""
    shown = unicodedata.normalize("NFKC", text)
    is_visible_name = is_visible(text) and all(map(_is_of_names, text))
    return len(text) <= MAX_LENGTH and is_visible_name and not _DOMAIN.search(shown)


def validate_name(text: str) -> None:
    """Refuse what is no name, with what to do about it."""
    if len(text) > MAX_LENGTH:
        raise ValidationError(
            gettext("Use at most {max_length} characters.").format(max_length=MAX_LENGTH), "max_length"
        )
    if not is_plain_name(text):
        raise ValidationError(
            gettext("Enter a name: letters, spaces and simple punctuation, and no link."), "name"
        )


def _is_of_names(character: str) -> bool:
    return character in _MARKS or unicodedata.category(character)[0] in "LM" or character.isdigit()
