"""Categories of the catalogue. A product may be in one."""

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import shop.visible


class Migration(migrations.Migration):
    dependencies = [("inventory", "0014_validate_waiting_states")]

    operations = [
        migrations.CreateModel(
            name="Category",
            fields=[
                (
                    "slug",
                    models.CharField(
                        help_text="Its name in URLs and files, as in books-and-games. It never changes.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                        validators=[
                            django.core.validators.RegexValidator(
                                r"^[a-z0-9][a-z0-9-]{0,63}\Z", "Use small letters, digits and dashes only."
                            )
                        ],
                    ),
                ),
                (
                    "name",
                    models.CharField(max_length=100, validators=[shop.visible.check_visible]),
                ),
                (
                    "position",
                    models.PositiveIntegerField(
                        default=0,
                        help_text="Categories with lower numbers come first.",
                        validators=[django.core.validators.MaxValueValidator(100000)],
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "categories",
                "ordering": ["position", "slug"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(slug__regex=r"^[a-z0-9][a-z0-9-]{0,63}\Z"),
                        name="category_slug_fits_into_a_url",
                    )
                ],
            },
        ),
        migrations.AddField(
            "product",
            "category",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="products",
                to="inventory.category",
            ),
        ),
    ]
