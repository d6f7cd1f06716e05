"""Event bus: topology, publishers and acknowledgements, over AMQP or PGMQ."""
