"""Messages of gettext: ``script/messages`` gathers them from the tree, and compiles their translations.

Besides what Django finds, docstrings of errors are messages: they are what a person reads. So are the labels
of models, and the sentences that the doctor stores.
"""

import ast
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
from django.core.management import call_command
from django.core.management.commands import makemessages
from django.utils.functional import cached_property
from django.utils.translation import override

from dev.paths import ROOT
from dev.stored_texts import stored_texts
from shop.adminkit.labels import app_names, labelled_models, labels_of
from shop.stored_texts import CONTEXT

#: Folders without texts for people who use the shop.
IGNORED = ("tests", "dev", "var", ".venv", "docs", "script", "deploy")


#: Modules that show the texts which are gathered for them.
LABELS = ROOT / "shop/adminkit/labels.py"
STORED = ROOT / "shop/stored_texts.py"


def labels() -> set[str]:
    """Return the labels of all models, in English."""
    with override("en"):
        return {str(label) for model in labelled_models() for label in labels_of(model)} | app_names()


def docstrings(source: str) -> Iterator[str]:
    """Yield the docstrings of a module's classes, if these are its messages."""
    if "gettext(str(self.__doc__))" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and not node.decorator_list and (text := ast.get_docstring(node)):
            yield text


class _BuildFile(makemessages.BuildFile):
    """File whose docstrings may be messages, too."""

    @cached_property
    def _calls(self) -> list[str]:
        """Calls for the texts of a file that no call marks."""
        if not self.path.endswith(".py"):
            return []
        source = Path(self.path).read_text(encoding="utf-8")
        calls = [f"gettext({text!r})" for text in docstrings(source)]
        if Path(self.path).resolve() == LABELS:
            calls += [f"gettext({text!r})" for text in sorted(labels())]
        if Path(self.path).resolve() == STORED:
            calls += [f"pgettext({CONTEXT!r}, {text!r})" for text in sorted(stored_texts())]
        return calls

    @cached_property
    def is_templatized(self) -> bool:
        return bool(self._calls) or bool(super().is_templatized)

    def preprocess(self) -> None:
        if not self._calls:
            super().preprocess()
            return
        source = Path(self.path).read_text(encoding="utf-8")
        Path(self.work_path).write_text("\n".join((source, *self._calls)), encoding="utf-8")

    def cleanup(self) -> None:
        if self.is_templatized and os.path.exists(self.work_path):
            os.unlink(self.work_path)


class Gather(makemessages.Command):
    """Django's command, with the docstrings."""

    build_file_class = _BuildFile


def main() -> None:
    """Gather, then compile."""
    os.chdir(ROOT)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    os.environ.setdefault("DJANGO_SECRET_KEY", secrets.token_urlsafe(48))
    django.setup()
    options: dict[str, Any] = {"no_obsolete": True, "no_wrap": True, "add_location": "file"}
    call_command(Gather(), locale=["de"], ignore_patterns=[f"{name}/*" for name in IGNORED], **options)
    call_command("compilemessages", ignore_patterns=[".venv"])


if __name__ == "__main__":
    main()
