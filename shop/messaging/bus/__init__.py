"""Event bus: carries events from the outbox to the queues of the contexts, over AMQP or PGMQ."""
