"""The address to which providers send: ``POST /providers/<provider>/webhook``."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from shop.web.refusals import refusal
from shop.webhooks.endpoints import NotConfigured, NotGenuine, endpoint_of
from shop.webhooks.notices import receive

#: Bytes of a body. Providers send references and states, not documents.
MAX_BYTES = 128 * 1024


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """Store what a provider sends, and answer at once: a worker does the rest. A copy is answered alike.

    It is not throttled: providers send in bursts, and what is forged ends before the first statement.
    """
    endpoint = endpoint_of(provider)
    if endpoint is None:
        return _not_configured(request, provider)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
        return refusal(request, 413, f"The body has more than {MAX_BYTES:,} bytes.")
    try:
        notice = endpoint.read(request.body, request.headers)
    except NotConfigured:
        return _not_configured(request, provider)
    except NotGenuine as error:
        return refusal(request, 400, str(error))
    if notice:
        receive(provider, notice, request.body, endpoint=endpoint)
    return HttpResponse("ok", content_type="text/plain")


def _not_configured(request: HttpRequest, provider: str) -> HttpResponse:
    return refusal(request, 404, f"Webhooks of {provider} are not configured here: see the README.")
