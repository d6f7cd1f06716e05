"""Drop the index for searches by how the key of a booking at EasyPost begins."""

from django.db import migrations

DROP = "DROP INDEX shipping_easypostbooking_key_c8bebd8a_like"
UNDROP = (
    "CREATE INDEX shipping_easypostbooking_key_c8bebd8a_like"
    " ON shipping_easypostbooking (key varchar_pattern_ops)"
)


class Migration(migrations.Migration):
    dependencies = [("shipping", "0009_second_shipments")]

    operations = [migrations.RunSQL(DROP, UNDROP)]
