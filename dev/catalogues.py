"""Texts in the tree and their translations, read without gettext's tools."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from dev.messages import IGNORED, docstrings, labels
from dev.paths import ROOT
from dev.stored_texts import stored_texts

_FUNCTIONS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "pgettext", "pgettext_lazy"}
_JINJA = re.compile(r'\{\{\s*_\("([^"]*)"\)')
_TRANSLATE = re.compile(r"\{%\s*(?:translate|trans)\s+(\"[^\"]*\"|'[^']*')")
_BLOCK = re.compile(r"\{%\s*blocktrans(?:late)?\b([^%]*)%\}(.*?)\{%\s*endblocktrans(?:late)?\s*%\}", re.S)
_PLURAL = re.compile(r"\{%\s*plural\s*%\}")
_IN_TAG = re.compile(r':_\("([^"]*)"\)')
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_PLACEHOLDER = re.compile(r"%\(\w+\)s|\{[^{}]*\}")


class Entry(NamedTuple):
    """Entry of a catalogue."""

    context: str
    text: str
    translations: list[str]
    is_fuzzy: bool


def texts() -> set[str]:
    """Return all texts of the tree that are to be translated."""
    found = labels() | stored_texts()
    for path in ROOT.rglob("*"):
        if path.suffix not in (".py", ".html", ".txt") or path.relative_to(ROOT).parts[0] in IGNORED:
            continue
        if path.suffix == ".py":
            found.update(_in_python(path))
        elif "templates" in path.parts:
            found.update(in_template(path.read_text(encoding="utf-8")))
    return found


def in_template(source: str) -> Iterator[str]:
    """Yield the texts of a template of Django or Jinja."""
    yield from _JINJA.findall(source)
    yield from _IN_TAG.findall(source)
    for words in _TRANSLATE.findall(source):
        yield words[1:-1]
    for options, body in _BLOCK.findall(source):
        text = _VARIABLE.sub(r"%(\1)s", _PLURAL.split(body)[0])
        yield " ".join(line.strip() for line in text.strip().split("\n")) if "trimmed" in options else text


def _in_python(path: Path) -> Iterator[str]:
    source = path.read_text(encoding="utf-8")
    if "gettext" not in source:
        return
    yield from docstrings(source)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _FUNCTIONS:
            text = node.args[1 if node.func.id.startswith("pgettext") else 0]
            if isinstance(text, ast.Constant) and text.value:
                yield str(text.value)


def entries(path: Path) -> list[Entry]:
    """Read a catalogue of translations, without its header."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [entry for block in blocks if (entry := _entry(block)).text]


def _entry(block: str) -> Entry:
    fields: dict[str, str] = {}
    name = ""
    for line in block.split("\n"):
        if match := re.match(r'(msg\w+(?:\[\d\])?) (".*")$', line):
            name = match[1]
            fields[name] = ast.literal_eval(match[2])
        elif line.startswith('"'):
            fields[name] += ast.literal_eval(line)
    translations = [text for name, text in fields.items() if name.startswith("msgstr")]
    is_fuzzy = re.search(r"^#,.*\bfuzzy\b", block, re.M) is not None
    return Entry(fields.get("msgctxt", ""), fields.get("msgid", ""), translations, is_fuzzy)


def placeholders(text: str) -> list[str]:
    """Return the placeholders of a text."""
    return sorted(_PLACEHOLDER.findall(text))


_ATTRIBUTE = re.compile(
    r'\s(?:aria-label|title|placeholder|data-busy|data-label|data-lost|alt)="([^"]*)"'
    r'|<input type="submit"[^>]*\svalue="([^"]*)"'
)
_DEFAULT = re.compile(r'\|default(?:_if_none)?:"([^"]*)"')
_TAG_OF_TEMPLATES = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.S)
_NO_TEXT = re.compile(
    r"\{% blocktranslate.*?endblocktranslate %\}|\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}"
    r"|\{% block (?:bodyclass|encoding) %\}.*?\{% endblock %\}|<(script|style|code)\b.*?</\1>",
    re.S,
)
#: Words that are the same in all languages.
_SAME = {"API"}


def bare_texts(source: str) -> Iterable[str]:
    """Yield what a template says to people without gettext."""
    left = _TAG_OF_TEMPLATES.sub("\n", _NO_TEXT.sub("", source))
    words = ["".join(found) for found in _ATTRIBUTE.findall(left.replace("\n", ""))]
    words += _DEFAULT.findall(source) + re.sub(r"<[^>]*>", "\n", left).split("\n")
    for text in map(str.strip, words):
        if re.search(r"[A-Za-z]{2}", re.sub(r"&\w+;", "", text)) and text.strip(" ·") not in _SAME:
            yield text
