"""Queries of privacy, for pages."""

from shop.privacy.models import DataSubject


def is_forgotten(account_id: int) -> bool:
    """Tell whether the customer with an account was forgotten."""
    return DataSubject.objects.filter(account_id=account_id, forgotten_at__isnull=False).exists()
