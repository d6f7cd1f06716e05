"""Worker side of the bus: takes messages from the events queues and runs them as Celery tasks."""
