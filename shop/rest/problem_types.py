"""Catalogue of the API's problems: every code that a client can meet, its meaning, and what to do.

The pages below ``/api/v1/problems`` show it; the ``type`` of a problem document links to its page.
"""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse


@dataclass(frozen=True)
class ProblemType:
    """A kind of problem."""

    code: str
    status: int
    title: str
    meaning: str
    remedy: str

    @property
    def url(self) -> str:
        """Path of its page."""
        return reverse("problem", args=[self.code])


_TYPES = (
    ProblemType(
        "invalid",
        400,
        "The request is not valid",
        "A field, a query parameter or a header is missing, wrong or unknown. The member `errors` names each "
        "one with a message and a code.",
        "Correct what `errors` names, and send the request again.",
    ),
    ProblemType(
        "parse_error",
        400,
        "The body is no JSON",
        "The body cannot be read as JSON in UTF-8.",
        "Send a JSON document (RFC 8259), nested no deeper than it has to be.",
    ),
    ProblemType(
        "bad_request",
        400,
        "The request cannot be read",
        "The request is malformed, or exceeds a limit.",
        "The member `detail` says what to change.",
    ),
    ProblemType(
        "not_authenticated",
        401,
        "Authentication is required",
        "The resource is not public, and the request carries no credentials.",
        "Exchange user name and password for a token at `/api/v1/token`, and send it as "
        "`Authorization: Token …`.",
    ),
    ProblemType(
        "authentication_failed",
        401,
        "The credentials are not valid",
        "The token or the password is wrong, has expired or was revoked, or the account is closed.",
        "Get a new token.",
    ),
    ProblemType(
        "permission_denied",
        403,
        "Permission denied",
        "The account, or the token, may not do this.",
        "Use an account or a token with the permission. An operator grants it.",
    ),
    ProblemType(
        "not_found",
        404,
        "There is no such resource",
        "There is nothing at this address, or nothing that you may see.",
        "Follow the links of the lists. Start a list without its cursor.",
    ),
    ProblemType(
        "method_not_allowed",
        405,
        "The resource does not support this method",
        "The address exists, and takes other methods.",
        "Use a method that the header `Allow` names.",
    ),
    ProblemType(
        "not_acceptable",
        406,
        "The resource has no such representation",
        "No media type of the header `Accept` can be served.",
        "Accept `application/json`.",
    ),
    ProblemType(
        "request_timeout",
        408,
        "The request took too long to arrive",
        "The head or the body of the request was not complete in time.",
        "Send it again, at once and as a whole.",
    ),
    ProblemType(
        "conflict",
        409,
        "The state of the resource does not allow this",
        "The request is valid, but not now: the stock is too small, the parcel has left, the refund has not "
        "failed.",
        "Read the resource again, and decide anew.",
    ),
    ProblemType(
        "idempotency_key_in_use",
        409,
        "The first request with this key is under way",
        "A request with the same Idempotency-Key has begun and has not been answered yet.",
        "Repeat the request later, with the same key.",
    ),
    ProblemType(
        "answer_lost",
        409,
        "The answer to this request cannot be read any more",
        "The request has taken effect under its Idempotency-Key. Its answer was stored under a former "
        "secret.",
        "Read the resource. Do not repeat the request under another key.",
    ),
    ProblemType(
        "length_required",
        411,
        "The length of the body is missing",
        "The request announces a body without its length.",
        "Send `Content-Length`.",
    ),
    ProblemType(
        "precondition_failed",
        412,
        "The resource has changed",
        "The header `If-Match` names another state of the resource than the present one.",
        "Read the resource again, decide anew, and send its new ETag.",
    ),
    ProblemType(
        "too_large",
        413,
        "The request body is too large",
        "The body has more bytes than the shop reads.",
        "Send less at once.",
    ),
    ProblemType(
        "uri_too_long",
        414,
        "The address is too long",
        "The path or the query has more characters than the shop reads.",
        "Ask for less at once.",
    ),
    ProblemType(
        "unsupported_media_type",
        415,
        "The media type is not supported",
        "The body is no JSON by its `Content-Type`.",
        "Send JSON, as `Content-Type: application/json`.",
    ),
    ProblemType(
        "idempotency_key_reused",
        422,
        "The request contradicts an earlier one",
        "The Idempotency-Key came with another body before.",
        "Choose a new key for a new request. Send the same body with every attempt of one request.",
    ),
    ProblemType(
        "throttled",
        429,
        "Too many requests",
        "The account, or the address, has sent more requests than it may at a time.",
        "Wait for the seconds that the header `Retry-After` names.",
    ),
    ProblemType(
        "headers_too_large",
        431,
        "The header fields are too large",
        "The head of the request has more bytes than the shop reads.",
        "Send fewer or shorter header fields.",
    ),
    ProblemType(
        "error",
        500,
        "The request failed",
        "The fault is the shop's. It is logged.",
        "Repeat the request, under the same Idempotency-Key. Tell the operator if it fails again.",
    ),
    ProblemType(
        "unavailable",
        503,
        "The service is not available at the moment",
        "The shop is overloaded, or is being upgraded.",
        "Repeat the request later, under the same Idempotency-Key.",
    ),
    ProblemType(
        "provider_away",
        503,
        "A provider does not answer",
        "The carrier, or another provider that the shop had to ask, gave no answer. Nothing was changed.",
        "Repeat the request later.",
    ),
    ProblemType(
        "timed_out",
        503,
        "The answer took too long",
        "The shop gave up before the answer was complete. Nothing was changed.",
        "Ask for less at once, or repeat the request later.",
    ),
)

#: The problems by their code.
PROBLEM_TYPES = {kind.code: kind for kind in _TYPES}
_BY_STATUS = {kind.status: kind for kind in reversed(_TYPES)}

#: Codes in the member `errors`, and their meaning.
FIELD_CODES = {
    "authorization": "User name and password do not match an account.",
    "blank": "The text is empty, or consists of spaces.",
    "card_number": "This looks like a card number. Send the payment provider's token instead.",
    "date": "A time was given where a day is expected.",
    "datetime": "A day was given where a time is expected.",
    "duplicate_sku": "The product stands in an earlier line: add the quantities up.",
    "empty": "The list has no items.",
    "inactive_sku": "The product is not sold any more.",
    "invalid": "The value has the wrong type or form.",
    "invalid_choice": "The value is none of the possible ones.",
    "invalid_idempotency_key": "The key is empty, too long, or has characters that are not printable ASCII.",
    "invalid_price": "The product has a price that its currency does not allow: it cannot be ordered now.",
    "invalid_phone": "The telephone number has no digits.",
    "invalid_list": "A list of values is expected.",
    "length": "The text is too short or too long.",
    "make_aware": "The time does not exist in its time zone.",
    "invisible": "The text has no character that can be seen.",
    "max_decimal_places": "The number has too many decimal places.",
    "max_digits": "The number has too many digits.",
    "max_length": "The text, or the list, is too long.",
    "max_string_length": "The number has too many characters.",
    "max_value": "The number is too large.",
    "max_whole_digits": "The number has too many digits before its point.",
    "min_length": "The text, or the list, is too short.",
    "min_value": "The number is too small.",
    "mixed_currencies": "The products are priced in several currencies: place one order for each.",
    "not_a_dict": "An object is expected.",
    "not_a_list": "A list is expected.",
    "null": "The value may not be null.",
    "null_characters_not_allowed": "The text contains NUL.",
    "out_of_range": "The value is too small or too large.",
    "overflow": "The time is too early or too late.",
    "placeholder_address": "The address stands for an unknown one, which an import alone may have.",
    "quantity_out_of_range": "The quantity is too small or too large.",
    "required": "The field, or the header, is missing.",
    "surrogate_characters_not_allowed": "The text contains half of a surrogate pair.",
    "too_many_errors": "The request has more errors than are listed.",
    "total_too_large": "The order is too expensive: split it into several.",
    "unknown_country": "This is no country code of ISO 3166-1 alpha-2.",
    "unknown_field": "The field is unknown: remove it.",
    "unknown_parameter": "The query parameter is unknown: remove it.",
    "unknown_region": "The country has no such state or province: use its code or name.",
    "unknown_sku": "There is no such product.",
}


def problem_type(status: int, code: str = "") -> ProblemType:
    """Return the type of a problem by its code, else the first one with its status or class of statuses."""
    return PROBLEM_TYPES.get(code) or _BY_STATUS.get(status) or _BY_STATUS[500 if status >= 500 else 400]


def problem_details(status: int, *, instance: str, **members: Any) -> dict[str, Any]:
    """Return a problem with its common members. Its type links to the page of its code."""
    kind = problem_type(status, members.get("code", ""))
    common = {"type": kind.url, "title": kind.title, "status": status, "instance": instance}
    return {**common, "code": kind.code, **members}
