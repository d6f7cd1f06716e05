"""Signing: proof that events and Celery tasks come from the shop, whoever may publish to the broker.

The relay signs an event on its way to the broker, in the CloudEvents attribute ``shopsignature``; the event
log, and all other tables, hold it unsigned. A worker verifies the signature before anything is done with the
event. An event without one is believed only if the log has it, see :mod:`shop.messaging.signing.log`.

A signature is ``<key id>.<HMAC-SHA256 in hex>``.
"""
