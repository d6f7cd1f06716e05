"""Django and Celery as their manuals have it: no outbox, no inbox, no batches; what a crash loses is lost."""
