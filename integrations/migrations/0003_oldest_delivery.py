from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0002_permission_to_read_events")]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["endpoint", "occurred_at"],
                condition=models.Q(("state", "pending")),
                name="delivery_oldest",
            ),
        ),
    ]
