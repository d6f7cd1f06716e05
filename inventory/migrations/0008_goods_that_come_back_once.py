"""Goods come back once for each refund or receipt. The indexes are built while the stock goes on moving."""

from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

_TABLE = "inventory_stockmovement"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0007_goods_that_come_back")]

    operations = [
        ValidateConstraint("stockmovement", "movement_goes_the_right_way"),
        ValidateConstraint("stockmovement", "movement_names_its_order"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint("stockmovement", "movement_once_per_order_and_kind"),
                migrations.AddConstraint(
                    "stockmovement",
                    models.UniqueConstraint(
                        fields=["order_id", "product", "kind"],
                        condition=Q(order_id__isnull=False) & ~Q(kind="returned"),
                        name="movement_once_per_order_and_kind",
                    ),
                ),
                migrations.AddConstraint(
                    "stockmovement",
                    models.UniqueConstraint(
                        fields=["returned_with", "product"],
                        condition=Q(returned_with__isnull=False),
                        name="movement_once_per_return",
                    ),
                ),
            ],
            database_operations=[
                migrations.RunSQL(statement, migrations.RunSQL.noop)
                for statement in (
                    "DROP INDEX CONCURRENTLY IF EXISTS movement_once_per_return",
                    f"CREATE UNIQUE INDEX CONCURRENTLY movement_once_per_return ON {_TABLE}"
                    " (returned_with, product_id) WHERE returned_with IS NOT NULL",
                    "DROP INDEX CONCURRENTLY IF EXISTS movement_once_but_returned",
                    f"CREATE UNIQUE INDEX CONCURRENTLY movement_once_but_returned ON {_TABLE}"
                    " (order_id, product_id, kind) WHERE order_id IS NOT NULL AND NOT kind = 'returned'",
                    "DROP INDEX CONCURRENTLY movement_once_per_order_and_kind",
                    "ALTER INDEX movement_once_but_returned RENAME TO movement_once_per_order_and_kind",
                )
            ],
        ),
    ]
