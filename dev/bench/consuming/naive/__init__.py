"""What one writes first: a Celery task for each message, and a transaction of the ORM for each task."""
