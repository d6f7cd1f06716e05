"""Lock an aggregate and see what it has got, within the statement that appends to it."""

from django.db import migrations

#: VOLATILE has each of its statements take a snapshot of its own: the second sees what was committed while
#: the first waited for the lock, as the statement that calls it does not.
FORWARDS = """
CREATE FUNCTION messaging_hold_aggregate(aggregate uuid, lock_key bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lock_key);
    RETURN coalesce((SELECT max(sequence) FROM messaging_eventrecord WHERE aggregate_id = aggregate), 0);
END $$;
"""
BACKWARDS = "DROP FUNCTION messaging_hold_aggregate(uuid, bigint);"


class Migration(migrations.Migration):
    dependencies = [("messaging", "0007_log_by_type")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
