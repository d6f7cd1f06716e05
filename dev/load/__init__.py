"""Load generation: customers that place orders over the REST API."""
