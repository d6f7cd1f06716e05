"""Browsable API under a policy without inline styles."""

import re
from collections.abc import Mapping
from typing import Any

from rest_framework import renderers

#: A style in REST framework's templates. Escaped content has no plain quotes and so never matches.
_STYLE = re.compile(r' style="[^"<>]*"')


class BrowsableAPIRenderer(renderers.BrowsableAPIRenderer):
    """REST framework's pages with all styles in files."""

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        """Return the template's context. Pygments, if installed, would write its styles into the page."""
        context: dict[str, Any] = super().get_context(data, accepted_media_type, renderer_context or {})
        return {**context, "code_style": ""}

    def render(self, *args: Any, **kwargs: Any) -> Any:
        """Render the page."""
        return _STYLE.sub("", super().render(*args, **kwargs))
