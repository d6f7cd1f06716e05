"""script/bench webhooks: deliveries beside a bare loop, and beside an endpoint that is slow."""
