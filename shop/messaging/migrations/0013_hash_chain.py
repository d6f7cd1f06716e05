"""A hash chain over the events of each aggregate, and signed roots. Events from before have no hash."""

from django.db import migrations, models

#: The text of an event is what its hash covers, beside the hash before it: see log_proof/chain.py.
FORWARDS = """
CREATE FUNCTION messaging_event_text(
    id uuid, type text, aggregate_id uuid, sequence bigint, "time" timestamptz, correlation_id uuid,
    causation_id uuid, traceparent text, data jsonb) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT concat_ws(E'\\n', id, type, aggregate_id, sequence,
        to_char("time" AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), correlation_id,
        coalesce(causation_id::text, ''), traceparent,
        encode(sha256(convert_to(data::text, 'UTF8')), 'hex'))
$$;

CREATE FUNCTION messaging_link(state bytea, previous bytea, text text) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(coalesce(state, previous, ''::bytea) || convert_to(text, 'UTF8'))
$$;
CREATE AGGREGATE messaging_chain(previous bytea, text text) (SFUNC = messaging_link, STYPE = bytea);

CREATE FUNCTION messaging_hold_stream(aggregate uuid, lock_key bigint, OUT last bigint, OUT hash bytea)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(lock_key);
    SELECT event.sequence, event.hash INTO last, hash FROM messaging_eventrecord AS event
    WHERE event.aggregate_id = aggregate ORDER BY event.sequence DESC LIMIT 1;
    last := coalesce(last, 0);
END $$;

-- For workers of a release that writes no hashes, while a new one is rolled out.
CREATE FUNCTION messaging_add_hash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.hash := messaging_link(NULL,
        (SELECT event.hash FROM messaging_eventrecord AS event
         WHERE event.aggregate_id = NEW.aggregate_id AND event.sequence = NEW.sequence - 1),
        messaging_event_text(NEW.id, NEW.type, NEW.aggregate_id, NEW.sequence, NEW.time, NEW.correlation_id,
                             NEW.causation_id, NEW.traceparent, NEW.data));
    RETURN NEW;
END $$;
CREATE TRIGGER event_add_hash BEFORE INSERT ON messaging_eventrecord
    FOR EACH ROW WHEN (NEW.hash IS NULL) EXECUTE FUNCTION messaging_add_hash();
"""
BACKWARDS = """
DROP TRIGGER event_add_hash ON messaging_eventrecord;
DROP FUNCTION messaging_add_hash();
DROP FUNCTION messaging_hold_stream(uuid, bigint);
DROP AGGREGATE messaging_chain(bytea, text);
DROP FUNCTION messaging_link(bytea, bytea, text);
DROP FUNCTION messaging_event_text(uuid, text, uuid, bigint, timestamptz, uuid, uuid, text, jsonb);
"""
GUARD = """
CREATE TRIGGER logroot_append_only BEFORE UPDATE OR DELETE ON messaging_logroot
    FOR EACH ROW EXECUTE FUNCTION messaging_refuse_change();
CREATE TRIGGER logroot_no_truncate BEFORE TRUNCATE ON messaging_logroot
    FOR EACH STATEMENT EXECUTE FUNCTION messaging_refuse_change();
"""
UNGUARD = """
DROP TRIGGER logroot_no_truncate ON messaging_logroot;
DROP TRIGGER logroot_append_only ON messaging_logroot;
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0012_subscriptions")]

    operations = [
        migrations.AddField("eventrecord", "hash", models.BinaryField(null=True)),
        migrations.RunSQL(FORWARDS, BACKWARDS),
        migrations.CreateModel(
            name="LogRoot",
            fields=[
                ("number", models.PositiveIntegerField(primary_key=True, serialize=False)),
                ("last_position", models.BigIntegerField(unique=True)),
                ("events", models.PositiveIntegerField()),
                ("leaves", models.TextField()),
                ("root", models.BinaryField()),
                ("signed_at", models.DateTimeField()),
                ("public_key", models.CharField(max_length=64)),
                ("signature", models.BinaryField()),
            ],
            options={"verbose_name": "root of the log", "verbose_name_plural": "roots of the log"},
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
