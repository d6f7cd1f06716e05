"""Texts of the tree and their German translations."""

import ast
import gettext
import re

import pytest
from django.conf import settings
from django.template import engines

from dev.catalogues import bare_texts, entries, in_template, placeholders, texts
from dev.paths import ROOT

LANGUAGES = sorted(path.name for path in (ROOT / "locale").iterdir())
#: Folders of templates all of whose texts are translated.
TRANSLATED = [
    "analytics/templates",
    "console/templates",
    "inventory/templates",
    "notifications/templates",
    "orders/templates",
    "payments/templates",
    "shipping/templates",
    "shop/messaging/templates",
    "storefront/templates",
]
#: Errors whose texts operators and customers read.
READ_BY_PEOPLE = {
    "CannotPause",
    "CustomerWasForgotten",
    "InvalidCopy",
    "InvalidEndpoint",
    "MailCameBack",
    "NoLabel",
    "NotGivenBack",
    "NotOpen",
    "NotReplayable",
    "NotRetryable",
    "NotStoppable",
    "Problem",
    "ResendFailed",
    "StaffAccount",
    "StillWaiting",
    "TooManyEndpoints",
    "WrongState",
}


@pytest.fixture(params=LANGUAGES)
def catalogue(request):
    return entries(ROOT / "locale" / request.param / "LC_MESSAGES" / "django.po")


def test_each_text_is_in_the_catalogue(catalogue):
    known = {entry.text for entry in catalogue}
    assert sorted(texts() - known) == [], "run script/messages"


def test_each_text_is_translated_and_nothing_is_guessed(catalogue):
    assert [entry.text for entry in catalogue if entry.is_fuzzy or not all(entry.translations)] == []


def test_a_translation_has_the_placeholders_of_its_text(catalogue):
    for entry in catalogue:
        for translation in entry.translations:
            assert placeholders(translation) == placeholders(entry.text), entry.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_compiled_is_what_is_written(language):
    folder = ROOT / "locale" / language / "LC_MESSAGES"
    with open(folder / "django.mo", "rb") as file:
        compiled = gettext.GNUTranslations(file)._catalog
    for entry in entries(folder / "django.po"):
        key = f"{entry.context}\x04{entry.text}" if entry.context else entry.text
        plurals = {(key, number): text for number, text in enumerate(entry.translations)}
        written = plurals if len(entry.translations) > 1 else {key: entry.translations[0]}
        assert {name: compiled.get(name) for name in written} == written, "run script/messages"


@pytest.mark.parametrize("folder", TRANSLATED)
def test_no_template_says_a_word_past_gettext(folder):
    found = {
        str(path.relative_to(ROOT)): words
        for path in sorted((ROOT / folder).rglob("*.*"))
        if (words := list(bare_texts(path.read_text(encoding="utf-8"))))
    }
    assert found == {}


def test_no_script_says_a_sentence_past_gettext():
    scripts = [
        path
        for path in ROOT.glob("*/static/**/*.js")
        if path.relative_to(ROOT).parts[0] != "var" and ".min." not in path.name
    ]
    assert scripts
    sentences = {
        path.name: found
        for path in scripts
        if (found := re.findall(r"""["'`][A-Z][a-z]+(?: [a-z]+)+""", path.read_text(encoding="utf-8")))
    }
    assert sentences == {}, "give them to the script by a data attribute"


def test_texts_of_templates_are_those_that_are_looked_up():
    source = (
        "{% translate 'Total' %}{% blocktranslate count n=n %}{{ n }} piece{% plural %}{{ n }} pieces"
        "{% endblocktranslate %}{% blocktranslate with name='x' %}Add {{ name }}{% endblocktranslate %}"
    )
    engines["django"].from_string(source)  # it is one
    assert set(in_template(source)) == {"Total", "%(n)s piece", "Add %(name)s"}
    assert list(bare_texts('<p title="Look">Total</p><code>no word</code>{% if a %}Add{% endif %}')) == [
        "Look",
        "Total",
        "Add",
    ]
    hidden = (
        '<td data-label="Letters">{{ a|default:"none" }}<input type="submit" name="a" value="Book {{ b }}">'
    )
    assert list(bare_texts(hidden)) == ["Letters", "Book", "none"]
    assert set(in_template('{{ a|default:_("none") }}')) == {"none"}


def test_no_error_speaks_to_people_past_gettext():
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ("shop", "console", *settings.CONTEXTS)
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in READ_BY_PEOPLE
        if any(map(_is_bare, [*node.args, *(keyword.value for keyword in node.keywords)]))
    }
    assert found == set()


def _is_bare(text: ast.expr) -> bool:
    is_sentence = isinstance(text, ast.Constant) and " " in str(text.value)
    return is_sentence or isinstance(text, ast.JoinedStr) or ast.unparse(text).endswith(".__doc__")
