"""Names carry no link and no hidden character, and people keep theirs."""

import pytest
from django.core.exceptions import ValidationError

from shop.accounts.names import is_plain_name, validate_name

PEOPLE = [
    "Ada",
    "Jean-Luc",
    "O'Neil",
    "J. R. R.",
    "Martin Jr.",
    "D’Arcy",
    "Ødegård",
    "李小龍",
    "محمد",
    "José",
]
PEOPLE += ["Smith & Sons (UK)", "Louis XIV", "Anna Karenina, geb. Oblonskaja", "ஸ்ரீ"]
LINKS = [
    "evil.example",
    "Visit evil.example now",
    "http://x",
    "https evil",
    "www evil",
    "evil。example",
    "a/b",
]
LINKS += ["a/b", "evil．example", "evil․example", "evil.еxample", "me@evil", "evil:80", "<a>", "EVIL.EXAMPLE"]
HIDDEN = [
    "a\nb",
    "a\r\nBcc",
    "a\tb",
    "a\0",
    "a\u200bb",
    "a\u200db",
    "a\u202eb",
    "a\ufeff",
    "a\u2028b",
    "a\x1b[0m",
]


@pytest.mark.parametrize("name", PEOPLE)
def test_people_keep_their_names(name):
    validate_name(name)


@pytest.mark.parametrize("name", [*LINKS, *HIDDEN])
def test_no_name_is_a_link_or_hides_anything(name):
    assert not is_plain_name(name)


def test_a_name_has_at_most_sixty_characters():
    validate_name("e" * 60)
    with pytest.raises(ValidationError, match="at most 60"):
        validate_name("e" * 61)


@pytest.mark.parametrize("name", ["\u200b", "\u3164", "\u115f\u1160", "\uffa0", "\u034f", "\u00a0", " "])
def test_a_name_that_nobody_can_see_is_no_name(name):
    with pytest.raises(ValidationError):
        validate_name(name)
