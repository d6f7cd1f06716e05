"""Pages of the live flow and of workers and queues. A part of each is fetched anew every few seconds."""

from typing import Any

from celery import current_app
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from console.flow import graph
from shop.messaging.bus.port import event_bus
from shop.messaging.consuming import Consumer, consumers, consuming_apps
from shop.messaging.operations import flow, pressure, relays
from shop.messaging.operations.ages import ages

PERMISSION = "messaging.view_workernode"


@require_GET
def flow_page(request: HttpRequest) -> HttpResponse:
    """Show the choreography with its flow; with ``?part`` only what changes."""
    _check(request)
    depths, problem = _depths()
    served = _served(flow.workers())
    context = {
        "arrows": graph.arrows(consumers(), flow.flows(), served),
        "places": graph.places(served, depths),
        "problem": problem,
        "width": graph.WIDTH,
        "height": graph.HEIGHT,
        "box_width": graph.BOX_WIDTH,
        "box_height": graph.BOX_HEIGHT,
    }
    return _page(request, "flow", gettext("Live flow"), context)


@require_GET
def workers_page(request: HttpRequest) -> HttpResponse:
    """Show the workers and the queues; with ``?part`` only what changes."""
    _check(request)
    depths, problem = _depths()
    workers = flow.workers()
    served = _served(workers)
    oldest = ages.oldest()
    queues = sorted({f"{app}.events" for app in consuming_apps()} | depths.keys())
    context = {
        "workers": workers,
        "queues": [(name, depths.get(name), oldest.get(name), _is_served(name, served)) for name in queues],
        "consumers": _consumers(),
        "outbox": pressure.outbox(),
        "relays": (found := relays.relays()),
        "unheld": relays.unheld_shards(found),
        "scheduled": pressure.scheduled(),
        "problem": problem,
        "management_url": settings.SHOP_RABBITMQ_MANAGEMENT_URL,
    }
    return _page(request, "workers", gettext("Workers and queues"), context)


def _consumers() -> list[tuple[Consumer, flow.ConsumerFlow]]:
    flows = flow.flows()
    found = [(one, flows.get(one.name, flow.ConsumerFlow())) for one in consumers()]
    return sorted(found, key=lambda row: (not row[1].is_paused, not row[1].dead, row[0].name))


def _page(request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
    if "part" in request.GET:
        return TemplateResponse(request, f"console/{name}_part.html", context)
    context |= admin.site.each_context(request) | {"title": title, "part": f"console/{name}_part.html"}
    return TemplateResponse(request, "console/live.html", context)


def _check(request: HttpRequest) -> None:
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied


def _served(workers: list[flow.Worker]) -> frozenset[str]:
    """Return the events queues that living workers serve: a worker is told the queue of the app."""
    return frozenset(f"{queue}.events" for worker in workers if worker.is_alive for queue in worker.queues)


def _is_served(queue: str, served: frozenset[str]) -> bool | None:
    """Return whether a living worker serves a queue; None for one that none serves: people empty it."""
    return None if queue.endswith(".dead") else queue in served or f"{queue}.events" in served


def _depths() -> tuple[dict[str, int], str]:
    """Return the depth of each events queue, or why the event bus does not tell."""
    try:
        return event_bus(current_app._get_current_object()).depths(), ""  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - each bus has errors of its own, and the page is for outages
        return {}, gettext("The event bus does not tell the depth of its queues: {name}.").format(
            name=type(error).__name__
        )
