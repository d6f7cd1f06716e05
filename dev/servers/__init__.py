"""Private servers: PostgreSQL, RabbitMQ, and their programs."""
