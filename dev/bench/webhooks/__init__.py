"""script/bench webhooks: deliveries to a receiver, beside a bare loop, and beside an endpoint that is slow."""
