"""Live pages of operations: the choreography with its flow of events, and the workers with their queues."""
