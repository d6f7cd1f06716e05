"""Drop an unused index for prefixes of SKUs, concurrently."""

from django.db import migrations

DROP = "DROP INDEX CONCURRENTLY IF EXISTS analytics_productsales_sku_a81fe055_like"
UNDROP = (
    "CREATE INDEX analytics_productsales_sku_a81fe055_like"
    " ON analytics_productsales (sku varchar_pattern_ops)"
)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("analytics", "0001_initial")]

    operations = [migrations.RunSQL(DROP, UNDROP)]
