"""A second version beside the live one, which each projection sees in the statement that locks it."""

from django.db import migrations, models

#: VOLATILE has each of its statements take a snapshot of its own: the second sees what was committed while
#: the first waited for the lock, as the statement that calls it does not.
FORWARDS = """
CREATE FUNCTION analytics_hold_projection(
    namespace int, projection int, journal int, projection_name text, OUT version int, OUT journaling boolean
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(namespace, projection);
    SELECT state.version, state.beside IS NOT NULL INTO version, journaling
        FROM analytics_projection AS state WHERE state.name = projection_name;
    journaling := coalesce(journaling, false) OR NOT pg_try_advisory_xact_lock_shared(namespace, journal);
END $$;
"""
BACKWARDS = "DROP FUNCTION analytics_hold_projection(int, int, int, text);"


class Migration(migrations.Migration):
    dependencies = [("analytics", "0009_indexes_of_order_history")]

    operations = [
        migrations.AddField(
            "projection",
            "beside",
            models.PositiveSmallIntegerField(null=True, verbose_name="version beside"),
        ),
        migrations.AddField("projection", "beside_filled", models.BooleanField(db_default=False)),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
