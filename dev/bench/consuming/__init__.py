"""script/bench consume: cost of a delivery in a context, in a plain Celery task, and in a bare loop."""
