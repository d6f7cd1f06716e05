"""System check of the keys of data subjects."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connection

from shop.privacy.installation_keys import labels
from shop.privacy.models import DataSubject


@register(Tags.database)
def keys_can_be_unwrapped(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the keys of the installation unwrap those of all data subjects."""
    if not databases or DataSubject._meta.db_table not in connection.introspection.table_names():
        return []
    if not DataSubject.objects.exclude(wrapped_key="").exclude(wrapped_by__in=labels()).exists():
        return []
    return [
        Error(
            "Keys of data subjects are wrapped by a key that SHOP_PRIVACY_KEYS does not name.",
            hint="Add the former key (by default the SECRET_KEY) behind the new one, then run "
            "rotate_privacy_keys.",
            id="privacy.E001",
        )
    ]
