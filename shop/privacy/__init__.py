"""Privacy: the keys of data subjects, sealed facts of events, and the erasure of people.

A context imports:

- ``sealing``: facts sealed for an event and opened from events (``sealed``, ``open_sealed``).
- ``data_keys``: the key of an account that places an order (``key_for_account``).
- ``order_keys``: the keys of orders placed before (``keys_of_orders``).
- ``payment_tokens``: for payments alone (``open_payment_methods``).
- ``rows``: rows with personal data, for the export (``rows_of``).
"""
