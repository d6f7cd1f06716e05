"""Find or make the data subject of an account, within the statement that reads prices and keys of an order."""

from django.db import migrations

#: VOLATILE has the last SELECT see a row that another transaction inserted meanwhile.
FORWARDS = """
CREATE FUNCTION privacy_subject_of_account(account bigint, new_id uuid, new_key text, new_label text)
RETURNS SETOF privacy_datasubject LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY SELECT * FROM privacy_datasubject WHERE account_id = account;
    IF NOT FOUND THEN
        INSERT INTO privacy_datasubject (id, account_id, wrapped_key, wrapped_by, created_at)
        VALUES (new_id, account, new_key, new_label, now()) ON CONFLICT (account_id) DO NOTHING;
        RETURN QUERY SELECT * FROM privacy_datasubject WHERE account_id = account;
    END IF;
END $$;
"""
BACKWARDS = "DROP FUNCTION privacy_subject_of_account(bigint, uuid, text, text);"


class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
