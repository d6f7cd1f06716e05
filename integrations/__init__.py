"""Integrations: endpoints of outside programs, and the webhooks that carry the shop's events to them."""
