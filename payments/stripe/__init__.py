"""Stripe as the payment gateway, on its official SDK. Imported only if it is configured."""
