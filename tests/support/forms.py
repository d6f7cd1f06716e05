"""Forms of pages: the fields that a browser would send."""

from html.parser import HTMLParser
from typing import Any


class _Fields(HTMLParser):
    """Parser that collects the successful controls of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._select = self._textarea = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Collect a control."""
        facts = dict(attrs)
        name, value = facts.get("name", ""), facts.get("value") or ""
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._textarea = name
            self.found.setdefault(name, [""])
        elif tag == "option" and "selected" in facts and self._select:
            self.found.setdefault(self._select, []).append(value)
        elif tag == "input" and name and _is_sent(facts):
            self.found.setdefault(name, []).append(value or ("on" if "checked" in facts else ""))

    def handle_endtag(self, tag: str) -> None:
        """Leave a control."""
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        """Collect the text of a text area."""
        if self._textarea:
            self.found[self._textarea] = [self.found[self._textarea][0] + data.removeprefix("\n")]


def _is_sent(facts: dict[str, str | None]) -> bool:
    kind = facts.get("type")
    return kind not in {"submit", "button", "file"} and (
        kind not in {"checkbox", "radio"} or "checked" in facts
    )


def fields_of(answer: Any) -> dict[str, list[str]]:
    """Return the fields of a page's forms, as a browser would send them unchanged."""
    parser = _Fields()
    parser.feed(answer.content.decode())
    return parser.found
