"""Operators' console: order page, audit, order doctor, choreography, first data."""
