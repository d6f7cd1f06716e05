"""script/bench relay: events from a full outbox to RabbitMQ, beside other outboxes."""
