"""Refunds that staff requests: by an amount or by lines, several an order, before and after shipping."""
