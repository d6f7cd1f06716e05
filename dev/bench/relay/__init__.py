"""script/bench relay: events from a full outbox to RabbitMQ, compared with other outboxes."""
