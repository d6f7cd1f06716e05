"""JSON renderer of the REST API, based on orjson."""

from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework import renderers
from rest_framework.utils.encoders import JSONEncoder

_encode_by_drf = JSONEncoder().default


class JSONRenderer(renderers.JSONRenderer):
    """DRF's JSON renderer in a tenth of the time; indented output is left to DRF."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Render data as JSON."""
        if data is None:
            return b""
        if self.get_indent(accepted_media_type or "", dict(renderer_context or {})) is not None:
            return super().render(data, accepted_media_type, renderer_context)
        return orjson.dumps(data, default=_encode_by_drf, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)
