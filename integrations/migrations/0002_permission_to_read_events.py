from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("integrations", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="endpoint",
            options={
                "permissions": [
                    ("send_again", "Can send tests, and events again"),
                    ("read_events", "Can read the feed of all events"),
                ]
            },
        ),
    ]
