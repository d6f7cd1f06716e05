"""Beginning and failed attempts of a consumer's run, for the trace of an order."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0013_hash_chain")]

    operations = [
        migrations.AddField("inboxentry", "began_at", models.DateTimeField(null=True)),
        migrations.AddField("inboxentry", "attempts", models.SmallIntegerField(db_default=0)),
    ]
