"""Mail through a provider's HTTP API, on django-anymail. Imported only if ``SHOP_MAIL_PROVIDER`` is set."""
