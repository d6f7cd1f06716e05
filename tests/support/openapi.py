"""The OpenAPI document of the REST API."""

from typing import Any

from drf_spectacular.generators import SchemaGenerator

DOCUMENT: dict[str, Any] = SchemaGenerator().get_schema(public=True)
#: The operations by method and path, as in ``get /api/v1/orders``.
OPERATIONS: dict[str, dict[str, Any]] = {
    f"{method} {path}": operation
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if method in ("get", "post", "put", "patch", "delete")
}
