"""Tables with rows that come and go all day are vacuumed after so many rows, however many an outage has piled up."""

from django.db import migrations

QUEUES = ("messaging_outboxentry", "messaging_scheduledmessage")
#: After a backlog of millions the default would wait for a fifth of it; and such small tables need no pauses.
SETTINGS = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "1000",
    "autovacuum_vacuum_cost_delay": "0",
}
SET = ", ".join(f"{name} = {value}" for name, value in SETTINGS.items())


class Migration(migrations.Migration):
    dependencies = [("messaging", "0004_edited_dead_letters")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE {table} SET ({SET})", f"ALTER TABLE {table} RESET ({', '.join(SETTINGS)})"
        )
        for table in QUEUES
    ]
