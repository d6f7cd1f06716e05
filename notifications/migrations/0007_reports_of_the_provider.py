"""Add what the provider of e-mail reports of a message; the index is created concurrently."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("notifications", "0006_messages_about_parts")]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="report",
            field=models.CharField(
                blank=True,
                choices=[
                    ("delivered", "Delivered"),
                    ("failed", "Failed"),
                    ("bounced", "Bounced"),
                    ("complained", "Complained"),
                ],
                db_default="",
                default="",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="notification",
            name="report_detail",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="notification",
            name="reported_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        AddIndexConcurrently(
            model_name="notification",
            index=models.Index(
                condition=models.Q(("report__in", ["failed", "bounced", "complained"])),
                fields=["report", "-id"],
                name="notification_by_trouble",
            ),
        ),
    ]
