"""Limits of requests, checked before routing: whatever costs more than its length is bounded here."""

import re
from collections.abc import Callable, Iterable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse

from shop.query_limits import MAX_SELECTED, MAX_VALUE, MAX_WORDS, SEARCHES, VALUE_LIMITS
from shop.web.refusals import is_api, refusal

#: Characters of a path, and of a query string.
MAX_PATH, MAX_QUERY = 1_000, 4_096
#: Number of query parameters, and characters of a name.
MAX_PARAMETERS, MAX_NAME = 50, 100
#: Lookups that the admin would take from the address: a pattern can take the database for ever.
_PATTERNS = ("__regex", "__iregex")
#: A day, or a time on it. Beyond the years some calculation overflows, in Python or in the database.
_DAY = re.compile(r"(\d{4})-\d\d-\d\d(?:[Tt+ ].*)?", re.ASCII | re.DOTALL).fullmatch
_YEARS = frozenset(map(str, range(2000, 2101)))
#: Characters of a password, which is hashed.
MAX_PASSWORD = 1_000
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Refused(Exception):
    """The request exceeds a limit."""

    def __init__(self, detail: str, status: int = 400, *, field: str = "", code: str = "invalid") -> None:
        """Name the query parameter, if it is about one, and a code of FIELD_CODES."""
        super().__init__(detail)
        self.detail, self.status = detail, status
        self.errors = [{"field": field, "message": detail, "code": code}] if field else None


class RequestLimits:
    """Middleware that refuses what exceeds a limit, and what contains NUL, which no column stores."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse the request, or pass it on."""
        try:
            check_address(request)
            check_body(request)
        except Refused as refused:
            members = {"code": "invalid", "errors": refused.errors} if refused.errors else {}
            return refusal(request, refused.status, refused.detail, **members)
        return self.get_response(request)


def check_address(request: HttpRequest) -> None:
    """Check path and query. Raises Refused."""
    if len(request.path_info) > MAX_PATH:
        raise Refused(f"The path has more than {MAX_PATH} characters: there is no such address.")
    if "\0" in request.path_info:
        raise Refused("The path contains NUL: there is no such address.")
    query = request.META.get("QUERY_STRING", "")
    if not query:
        return
    if len(query) > MAX_QUERY:
        raise Refused(f"The query string has more than {MAX_QUERY} characters: ask for less at once.")
    if query.count("&") >= MAX_PARAMETERS:
        raise Refused(f"There are more than {MAX_PARAMETERS} query parameters: give fewer.")
    for name, values in request.GET.lists():
        _check_parameter(name, values)


def _check_parameter(name: str, values: Iterable[str]) -> None:
    if len(name) > MAX_NAME or "\0" in name:
        raise Refused("There is a query parameter with an impossible name: remove it.")
    if name.endswith(_PATTERNS):
        raise Refused(f"Rows cannot be filtered by patterns: remove {name}.", field=name)
    for value in values:
        if problem := _problem_of(name, value, VALUE_LIMITS.get(name, MAX_VALUE)):
            detail, code = problem
            raise Refused(f"The parameter {name} {detail}.", field=name, code=code)


def _problem_of(name: str, value: str, limit: int) -> tuple[str, str] | None:
    if len(value) > limit:
        return f"has more than {limit} characters: shorten it", "max_length"
    if "\0" in value:
        return "contains NUL: remove it", "null_characters_not_allowed"
    if name in SEARCHES and len(value.split()) > MAX_WORDS:
        return f"has more than {MAX_WORDS} words: search for fewer", "max_length"
    if name not in SEARCHES and (year := _year(name, value)) and year not in _YEARS:
        return "names a day outside of the years 2000 to 2100", "out_of_range"
    return None


def _year(name: str, value: str) -> str | None:
    """Return the year that a parameter names, if it does."""
    day = _DAY(value)
    return value if name.endswith("__year") else day and day[1]


def check_body(request: HttpRequest) -> None:
    """Check the announced length of a body, and the fields of a form. Raises Refused."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length and "HTTP_TRANSFER_ENCODING" in request.META:
        # WSGI has no place for such a body; shop.web.front reads it whole and gives its length.
        raise Refused("The length of the body is missing: send Content-Length.", 411)
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if length.isdecimal() and int(length[:20]) > most:
        raise Refused(f"The body has more than {most:,} bytes: send less at once.", 413)
    if (request.content_params or {}).get("charset", "utf-8").lower() != "utf-8":
        # Python knows encodings that take the square of a text's length.
        raise Refused("The body has another encoding than UTF-8: send it in UTF-8.", 415)
    if request.method == "POST" and request.content_type in _FORMS and not is_api(request.path_info):
        _check_form(request)


def _check_form(request: HttpRequest) -> None:
    try:
        fields = request.POST.lists()
    except RequestDataTooBig as error:
        raise Refused(str(error), 413) from error
    except TooManyFieldsSent as error:
        raise Refused("The form has too many fields: send less at once.") from error
    for name, values in fields:
        if "\0" in name or any("\0" in value for value in values):
            raise Refused("The form contains NUL: remove it.")
        if len(values) > MAX_SELECTED:
            raise Refused(f"More than {MAX_SELECTED} values of {name[:MAX_NAME]}: choose fewer at once.")
        if "password" in name and any(len(value) > MAX_PASSWORD for value in values):
            raise Refused(f"The password has more than {MAX_PASSWORD} characters: use a shorter one.")
