"""The AsyncAPI document as a page: servers, events, their schemas and messages."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from shop.messaging.documents.asyncapi import document


@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """Show the document to people."""
    asyncapi = document()
    return render(
        request,
        "rest/events.html",
        {
            "info": asyncapi["info"],
            "servers": asyncapi["servers"].values(),
            "events": [_event(asyncapi, operation) for operation in asyncapi["operations"].values()],
        },
    )


def _event(asyncapi: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    type_ = operation["channel"]["$ref"].removeprefix("#/channels/")
    components = asyncapi["components"]
    return {
        "type": type_,
        "summary": operation["summary"],
        "description": operation["description"],
        "schema": _pretty(components["schemas"][type_]),
        "example": _pretty(components["messages"][type_]["examples"][0]["payload"]),
    }


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
