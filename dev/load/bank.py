"""Client of the simulated bank's page: a browser that confirms a payment."""

import re
import urllib.parse
import urllib.request
from typing import Any

from dev.processes.ports import LOOPBACK

_TIMEOUT = 30.0
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Stays on the bank's page: the shop's own would ask for a login."""

    def http_error_302(self, request: Any, answer: Any, *args: Any) -> Any:
        """Take the answer as it is."""
        return answer


def confirm(port: int, page: str) -> None:
    """Confirm a payment on its page, if there is still something to confirm."""
    url = f"http://{LOOPBACK}:{port}{urllib.parse.urlsplit(page).path}"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(), _NoRedirect())
    found = _TOKEN.search(browser.open(url, timeout=_TIMEOUT).read().decode())
    if found:
        form = {"csrfmiddlewaretoken": found[1], "answer": "confirm"}
        browser.open(url, urllib.parse.urlencode(form).encode(), timeout=_TIMEOUT).close()
