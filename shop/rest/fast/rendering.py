"""JSON answers of the REST API, written by orjson where nobody asks for indents."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder

_as_drf_does = JSONEncoder().default


class JSONRenderer(renderers.JSONRenderer):
    """As DRF's, in a tenth of its time."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        if self.get_indent(accepted_media_type or "", dict(renderer_context or {})) is not None:
            return super().render(data, accepted_media_type, renderer_context)
        return orjson.dumps(data, default=_as_drf_does, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)
