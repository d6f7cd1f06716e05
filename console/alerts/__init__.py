"""Alerts to operators: what newly needs attention, by e-mail and to a webhook, with a quiet time."""
