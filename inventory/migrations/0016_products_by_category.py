"""Index of the products of a category, built while the stock goes on moving; and one less that no query uses."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

#: Django makes it for slugs that begin with a text: categories are found by the whole slug.
_DROP = "DROP INDEX CONCURRENTLY IF EXISTS inventory_category_slug_a1aafdfc_like"
_UNDROP = "CREATE INDEX inventory_category_slug_a1aafdfc_like ON inventory_category (slug varchar_pattern_ops)"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0015_categories")]

    operations = [
        AddIndexConcurrently(
            "product",
            models.Index(
                fields=["category", "name", "sku"],
                condition=models.Q(active=True),
                name="product_by_category",
            ),
        ),
        migrations.RunSQL(_DROP, _UNDROP),
    ]
