"""Event-driven order processing: one Django project, one bounded context per app."""

from shop.celery import app as celery_app

__all__ = ["celery_app"]
