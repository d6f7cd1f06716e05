"""Uploaded pictures: checked by their content, kept in Django's storage, and served by the web processes.

A file is named by the hash of its content, so that it never changes and caches keep it for good. It comes
from this site whatever the storage is: the Content Security Policy of pages names no other.
"""

import hashlib

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

#: Bytes of a picture: with the rest of its form it fits into DATA_UPLOAD_MAX_MEMORY_SIZE.
MAX_PICTURE = 200_000
#: Beginnings of files, by suffix. No SVG: it can contain scripts.
_SIGNATURES = {
    "png": (b"\x89PNG\r\n\x1a\n", 0, b""),
    "jpg": (b"\xff\xd8\xff", 0, b""),
    "webp": (b"RIFF", 8, b"WEBP"),
}
_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
#: Nothing that a file contains can run, whoever opens it by its address.
_HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


class NoPicture(Exception):
    """The file is no PNG, JPEG or WebP: choose another one."""


def keep(folder: str, content: bytes) -> str:
    """Store a picture and return its URL on this site. Raises NoPicture."""
    suffix = next((name for name in _SIGNATURES if _is(content, name)), None)
    if suffix is None or len(content) > MAX_PICTURE:
        raise NoPicture(NoPicture.__doc__)
    name = f"{folder}/{hashlib.sha256(content).hexdigest()[:32]}.{suffix}"
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(content))
    return settings.MEDIA_URL + name


def remove(url: str) -> None:
    """Delete a stored picture; other URLs are not ours."""
    if url.startswith(settings.MEDIA_URL):
        default_storage.delete(url.removeprefix(settings.MEDIA_URL))


@require_safe
def picture(request: HttpRequest, folder: str, name: str, suffix: str) -> HttpResponseBase:
    """Send a picture."""
    if request.headers.get("If-None-Match") == f'"{name}"':
        return HttpResponseNotModified(headers=_HEADERS)
    try:
        file = default_storage.open(f"{folder}/{name}.{suffix}")
    except FileNotFoundError:
        raise Http404("There is no such picture.") from None
    return FileResponse(file, content_type=_TYPES[suffix], headers=_HEADERS | {"ETag": f'"{name}"'})


def _is(content: bytes, suffix: str) -> bool:
    beginning, at, then = _SIGNATURES[suffix]
    return content.startswith(beginning) and content[at : at + len(then)] == then
