"""Shared parts of the REST APIs: fields, filters, pagination, problem details."""
