"""script/client: the Python client, generated from the OpenAPI document."""
