"""Django and Celery by the manual: no outbox, no inbox, no batches. A crash loses messages."""
