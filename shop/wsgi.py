"""The WSGI entry point for web servers."""

import os

from django.conf import settings
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import reset_queries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

application = get_wsgi_application()

if not settings.DEBUG:
    # It empties a log that only DEBUG writes, and takes a thirtieth of an order over HTTP.
    request_started.disconnect(reset_queries)
