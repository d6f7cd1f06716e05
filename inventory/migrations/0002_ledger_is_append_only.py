"""Create a trigger that makes the ledger of the stock append-only."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION inventory_refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a stock movement is never changed or deleted: write the opposite one';
END
$$;
CREATE TRIGGER movement_append_only BEFORE UPDATE OR DELETE ON inventory_stockmovement
    FOR EACH ROW EXECUTE FUNCTION inventory_refuse_rewriting();
"""
ALLOW = """
DROP TRIGGER movement_append_only ON inventory_stockmovement;
DROP FUNCTION inventory_refuse_rewriting();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
