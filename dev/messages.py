"""Messages of gettext: ``script/messages`` gathers them from the tree, and compiles their translations.

Besides what Django finds, docstrings of errors are messages: they are what a person reads.
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

from dev.paths import ROOT

#: Folders without texts for people who use the shop.
IGNORED = ("tests", "dev", "var", ".venv", "docs", "script", "deploy")


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
    def _docstrings(self) -> list[str]:
        is_python = self.path.endswith(".py")
        return list(docstrings(Path(self.path).read_text(encoding="utf-8"))) if is_python else []

    @cached_property
    def is_templatized(self) -> bool:
        return bool(self._docstrings) or bool(super().is_templatized)

    def preprocess(self) -> None:
        if not self._docstrings:
            super().preprocess()
            return
        source = Path(self.path).read_text(encoding="utf-8")
        texts = "".join(f"\ngettext({text!r})" for text in self._docstrings)
        Path(self.work_path).write_text(source + texts, encoding="utf-8")

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
