"""Bounded context of notifications: sends e-mails to customers."""
