"""Defaults that keep attackers out: database roles, response headers, and checks of a deployment."""
