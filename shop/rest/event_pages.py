"""The AsyncAPI document as a page: servers, events, their schemas and messages."""

import json
import re
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import escape, linebreaks
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from shop.messaging.documents.asyncapi import document

_CODE = re.compile(r"`([^`]+)`")


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Show the document to people."""
    asyncapi = document()
    return render(
        request,
        "rest/events.html",
        {
            "description": _marked(linebreaks(asyncapi["info"]["description"], autoescape=True)),
            "servers": [
                {**server, "description": _marked(escape(server["description"]))}
                for server in asyncapi["servers"].values()
            ],
            "events": [_event(asyncapi, operation) for operation in asyncapi["operations"].values()],
        },
    )


def _event(asyncapi: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    type_ = operation["channel"]["$ref"].removeprefix("#/channels/")
    components = asyncapi["components"]
    return {
        "type": type_,
        "summary": _marked(escape(operation["summary"])),
        "description": _marked(escape(operation["description"])),
        "schema": _pretty(components["schemas"][type_]),
        "example": _pretty(components["messages"][type_]["examples"][0]["payload"]),
    }


def _marked(escaped: str) -> SafeString:
    """Return escaped text with what stands between backticks as code."""
    return SafeString(_CODE.sub(r"<code>\1</code>", escaped))


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
