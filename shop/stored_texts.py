"""English sentences that the database keeps, as findings of the doctor, in the reader's language.

The catalogue has them with a context of their own, and names in braces where they have values:
``dev/stored_texts.py`` gathers them from the code that writes them. What none of them fits is shown as it is.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation.trans_real import translation

#: Context of these sentences in the catalogues.
CONTEXT = "stored"
_SEPARATOR = "\x04"
_PLACE = re.compile(r"\{\w*\}")
#: Values that are names in the code.
_NAMES = frozenset({"app", "app2", "consumer", "queue", "type", "name", "__name__", "event_id"})
#: Letters of a sentence of a page, as an error, that is looked for in what is stored: others fit too much.
_MOST_SPECIFIC = 15
_CODE = re.compile(r"[a-z]+(_[a-z]+)*")


def translated(text: str) -> str:
    """Return a stored sentence in the reader's language, with the sentences and states within it."""
    if not text or (language := get_language()) in (None, "en"):
        return text
    if (found := _translation(text)) != text:
        return found
    for sentence, pattern in _patterns(str(language)):
        if match := pattern.fullmatch(text):
            values = iter(match.groups())
            names = {place: _value(place, next(values)) for place in _PLACE.findall(sentence)}
            return _PLACE.sub(_value_of(names), _translation(sentence))
    if _CODE.fullmatch(text):
        return _state(text)
    head, colon, rest = text.partition(": ")
    return f"{translated(head)}{colon}{rest}" if colon else text


@cache
def _patterns(language: str) -> list[tuple[str, re.Pattern[str]]]:
    """Return the sentences with values, those with most words of their own first."""
    catalogue: Any = translation(language)
    keys = (key for key in catalogue._catalog.keys() if isinstance(key, str))  # noqa: SIM118 - it is no dict
    stored, others = CONTEXT + _SEPARATOR, set()
    found = set()
    for key in filter(_PLACE.search, keys):
        if key.startswith(stored):
            found.add(key.removeprefix(stored))
        elif _SEPARATOR not in key and _own_length(key) >= _MOST_SPECIFIC:
            others.add(key)
    sentences = sorted(found | others, key=lambda text: -_own_length(text))
    return [(text, re.compile("(.+?)".join(map(re.escape, _PLACE.split(text))), re.S)) for text in sentences]


def _translation(text: str) -> str:
    """Return the translation of a sentence: that of a stored one, else that of a page."""
    found = pgettext(CONTEXT, text)
    return found if found != text else gettext(text)


def _value(place: str, text: str) -> str:
    """Return a value as a reader sees it; names of apps, queues and the like stay."""
    return text if place.strip("{}") in _NAMES else translated(text)


def _own_length(sentence: str) -> int:
    return len(_PLACE.sub("", sentence))


def _value_of(names: dict[str, str]) -> Callable[[re.Match[str]], str]:
    return lambda place: names.get(place[0], place[0])


def _state(code: str) -> str:
    """Return the label of a state such as ``in_fulfilment``."""
    words = code.replace("_", " ")
    labels = (words.capitalize(), words.title())
    return next((found for label in labels if (found := gettext(label)) != label), code)
