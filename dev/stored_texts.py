"""Sentences that the shop stores in English and shows translated: gathered from the code that writes them."""

import ast
from collections.abc import Iterator
from typing import TypeGuard

from django.conf import settings

from dev.paths import ROOT

#: Packages all of whose sentences are stored.
PACKAGES = ("console/doctor", "console/audit")
#: Entry of the journal with the door that its actor came by.
WITH_DOOR = "{text} (by {door})"
#: Modules in them that only show what is stored.
_NO_SENTENCES = {"page.py", "checked.py"}
#: Beginnings of texts that are no sentences.
_SQL = ("SELECT ", "SET ", "WITH ")


def stored_texts() -> set[str]:
    """Return the sentences, with names in braces for their values."""
    written = (path for package in PACKAGES for path in sorted((ROOT / package).glob("*.py")))
    found = {
        text
        for path in written
        if path.name not in _NO_SENTENCES
        for text in sentences(path.read_text(encoding="utf-8"))
    }
    for path in ROOT.glob("*/**/*.py"):
        if path.relative_to(ROOT).parts[0] in ("shop", "console", *settings.CONTEXTS):
            found.update(acts(path.read_text(encoding="utf-8")))
    return found | {WITH_DOOR}


def acts(source: str) -> Iterator[str]:
    """Yield what a module writes into the journal of staff."""
    if "journal.record" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and "journal.record" in ast.unparse(node).split(",")[0]:
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
            texts = (_template(one) for one in values if isinstance(one, ast.JoinedStr | ast.Constant))
            yield from filter(_is_sentence, texts)


def sentences(source: str) -> Iterator[str]:
    """Yield the sentences of a module: its texts of more than one word, but for docstrings, SQL and logs."""
    yield from _in(ast.parse(source))


def _in(node: ast.AST, is_part: bool = False) -> Iterator[str]:
    if _is_text(node) and not is_part and _is_sentence(text := _template(node)):
        yield text
    if not isinstance(node, ast.Constant) and not _is_left_out(node):
        for child in ast.iter_child_nodes(node):
            yield from _in(child, is_part=isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant))


def _is_text(node: ast.AST) -> TypeGuard[ast.JoinedStr | ast.Constant]:
    return isinstance(node, ast.JoinedStr | ast.Constant)


def _is_left_out(node: ast.AST) -> bool:
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    is_log = isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger.")
    is_str = isinstance(node, ast.FunctionDef) and node.name == "__str__"
    is_key = isinstance(node, ast.keyword) and node.arg == "key"
    return is_docstring or is_log or is_str or is_key


def _is_sentence(text: str) -> bool:
    own = "".join(part.split("}")[-1] for part in text.split("{"))
    return " " in text and any(map(str.isalpha, own)) and not text.startswith(_SQL)


def _template(node: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    names: list[str] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            name = _name_of(part.value)
            names.append(name if name not in names else f"{name}{len(names)}")
    left = iter(names)
    return "".join(
        f"{{{next(left)}}}" if isinstance(part, ast.FormattedValue) else str(ast.literal_eval(part))
        for part in node.values
    )


def _name_of(value: ast.expr) -> str:
    """Return a name for a value: the last one that its expression has."""
    names = [
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(value)
        if isinstance(node, ast.Attribute | ast.Name)
    ]
    if isinstance(value, ast.Call) and value.args:
        return _name_of(value.args[0])
    return names[0] if names else "value"
