"""Metrics of the web server: its processes count in files that they share, and the server adds them up.

Prometheus's client decides when it is imported whether it counts in files. So this module does not import it.
"""

import os
from tempfile import TemporaryDirectory

from django.utils.module_loading import import_string

from shop.web.front import AccessLog

#: Folder of the files, removed with the server.
_folder: "TemporaryDirectory[str] | None" = None


def start() -> AccessLog:
    """Serve the metrics from this process; return what notes a request in any process forked from it."""
    global _folder
    _folder = TemporaryDirectory(prefix="shop-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = _folder.name
    note: AccessLog = import_string("shop.metrics.requests.serve")()
    return note
