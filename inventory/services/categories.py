"""Categories of the catalogue: added, and renamed or moved."""

from typing import Any

from django.db import transaction

from inventory.errors import KnownCategory
from inventory.models import Category


@transaction.atomic
def add_category(*, slug: str, name: str, position: int = 0) -> Category:
    """Add a category.

    Raises:
        KnownCategory: there is one with this slug.
        ValidationError: a field is invalid.
    """
    Category(slug=slug, name=name, position=position).clean_fields()
    stored, is_new = Category.objects.get_or_create(slug=slug, defaults={"name": name, "position": position})
    if not is_new:
        raise KnownCategory(slug=slug)
    return stored


@transaction.atomic
def change_category(*, slug: str, **changes: Any) -> Category:
    """Change the name or the position of a category.

    Raises:
        DoesNotExist: there is no such category.
        ValidationError: a field is invalid.
    """
    category = Category.objects.select_for_update().get(slug=slug)
    for name, value in changes.items():
        setattr(category, name, value)
    category.clean_fields()
    category.save(update_fields=changes)
    return category
