"""The database refuses to change the log: UPDATE, DELETE and TRUNCATE raise."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION messaging_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only: % is refused', TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Publish a new event that corrects the old one.';
END $$;
CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON messaging_eventrecord
    FOR EACH ROW EXECUTE FUNCTION messaging_refuse_change();
CREATE TRIGGER event_no_truncate BEFORE TRUNCATE ON messaging_eventrecord
    FOR EACH STATEMENT EXECUTE FUNCTION messaging_refuse_change();
"""
BACKWARDS = """
DROP TRIGGER event_no_truncate ON messaging_eventrecord;
DROP TRIGGER event_append_only ON messaging_eventrecord;
DROP FUNCTION messaging_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
