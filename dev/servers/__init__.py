"""Private PostgreSQL and RabbitMQ servers, and their programs."""
