"""Webhooks of providers: verified, stored as they came, and handed to the context that owns the provider.

A context names an ``Endpoint`` in ``settings.SHOP_WEBHOOKS``, which verifies requests, and consumes its
reminder. What a body says of money and goods is never taken for true: the consumer asks the provider, so that
any order of arrival is right. What the provider of e-mail says is taken as it came: no money hangs on it, and
the graver of two reports counts. These modules are for contexts:

- ``endpoints``: what a provider's adapter supplies (``Endpoint``, ``Notice``, ``NotGenuine``).
- ``notices``: the received notices (``receive``, ``find``, ``stored``, ``mark_as_worked``), and until when a
  provider was asked for missed ones.
"""
