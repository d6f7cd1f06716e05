"""Language of a page: chosen in its footer and kept in a cookie, or that of the browser.

The REST API stays English, and pays nothing for it: programs read codes, and its texts are those of the logs.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

#: Beginnings of the paths that are for programs.
ENGLISH = ("/api/", "/providers/", "/static/", "/media/")


class LanguageMiddleware:
    """Show a page in the visitor's language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request in its language, which ends with it: threads serve others next."""
        if request.path_info.startswith(ENGLISH):
            return self.get_response(request)
        language = translation.get_language_from_request(request)
        with translation.override(language):
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response
