"""The naive implementation: a Celery task for each message, an ORM transaction for each task."""
