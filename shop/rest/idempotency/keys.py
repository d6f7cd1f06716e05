"""The header Idempotency-Key: a quoted string (RFC 8941), as in the draft of the IETF, or a bare one."""

import re

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

HEADER = "Idempotency-Key"
MAX_LENGTH = 255
#: Pattern of the header's value, as the API's document states it.
PATTERN = r'^("([ !#-\[\]-~]|\\["\\])+"|[!#-~][ -~]*)$'
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"')
_BARE = re.compile(r"[!#-~][ -~]*")


def key_of(request: Request, *, required: bool = False) -> str:
    """Return the Idempotency-Key without quotes; empty if there is none.

    Raises:
        ValidationError: it is malformed, or missing although required.
    """
    header = request.headers.get(HEADER)
    if header is None:
        if required:
            raise _refusal("Send a key of your own, the same for every attempt.", "required")
        return ""
    quoted = _QUOTED.fullmatch(header)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header
    if len(key) > MAX_LENGTH or not (quoted or _BARE.fullmatch(header)):
        text = f"Send 1 to {MAX_LENGTH} printable ASCII characters, in double quotes."
        raise _refusal(text, "invalid_idempotency_key")
    return key


def _refusal(message: str, code: str) -> ValidationError:
    return ValidationError({HEADER: [message]}, code=code)
