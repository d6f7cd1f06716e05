import os
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings
from psycopg.errors import InsufficientPrivilege
from pytest_django import DjangoDbBlocker

from shop.security import database_roles
from tests.support.servers import as_running_role

FORBIDDEN = {
    "disable the log's trigger": "ALTER TABLE messaging_eventrecord DISABLE TRIGGER ALL",
    "drop the log's trigger": "DROP TRIGGER event_append_only ON messaging_eventrecord",
    "skip all triggers": "SET session_replication_role = replica",
    "rewrite the log": "UPDATE messaging_eventrecord SET data = '{}'",
    "delete from the log": "DELETE FROM messaging_eventrecord",
    "truncate the log": "TRUNCATE messaging_eventrecord",
    "lock the log": "LOCK TABLE messaging_eventrecord IN ACCESS EXCLUSIVE MODE",
    "move the log's positions": "SELECT setval('messaging_eventrecord_position_seq', 1)",
    "rewrite stock movements": "UPDATE inventory_stockmovement SET quantity = 0",
    "delete stock movements": "DELETE FROM inventory_stockmovement",
    "replace a trigger's function": "CREATE OR REPLACE FUNCTION messaging_refuse_change() RETURNS trigger"
    " LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
    "drop a table": "DROP TABLE orders_order",
    "alter a table": "ALTER TABLE orders_order ADD COLUMN mine int",
    "truncate a table": "TRUNCATE orders_order CASCADE",
    "create a table": "CREATE TABLE mine ()",
    "create an index": "CREATE INDEX mine ON orders_order (status)",
    "create a function": "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "create a trigger": "CREATE TRIGGER mine BEFORE INSERT ON orders_order"
    " EXECUTE FUNCTION messaging_refuse_change()",
    "create a schema": "CREATE SCHEMA mine",
    "claim a migration": "INSERT INTO django_migrations (app, name, applied) VALUES ('a', 'b', now())",
    "become the owner": "SET ROLE postgres",
    "become a superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "become another session": "SET SESSION AUTHORIZATION postgres",
    "create a role": "CREATE ROLE mine",
    "read password hashes": "SELECT rolpassword FROM pg_authid",
    "run programs": "COPY orders_order TO PROGRAM 'true'",
    "read files": "SELECT pg_read_file('/etc/passwd')",
    "load files": "COPY orders_order FROM '/etc/passwd'",
    "import files": "SELECT lo_import('/etc/passwd')",
    "change the server": "SELECT pg_reload_conf()",
}
ALLOWED = {
    "read the log": "SELECT * FROM messaging_eventrecord",
    "number a row of the log": "SELECT nextval('messaging_eventrecord_position_seq')",
    "change an order": "UPDATE orders_order SET status = status",
    "delete from the outbox": "DELETE FROM messaging_outboxentry",
    "delete results of tasks": "DELETE FROM django_celery_results_taskresult",
    "make a rebuild's tables": "CREATE TABLE analytics_rebuild.mine (LIKE analytics_orderfact INCLUDING ALL);"
    " DROP TABLE analytics_rebuild.mine",
}


def two_roles() -> override_settings:
    """Settings of an installation with two roles, whose owner is that of the test database."""
    owner = os.environ["DATABASE_URL"]
    return override_settings(DATABASE_URL=as_running_role(owner), SHOP_ADMIN_DATABASE_URL=owner)


@pytest.fixture(scope="module")
def running_role_url(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> str:
    """URL of the test database for the running role, which has been given its rights twice."""
    with django_db_blocker.unblock(), two_roles():
        call_command("database_roles")
        call_command("database_roles")
        name = connection.settings_dict["NAME"]
    return as_running_role(f"postgresql://localhost/{name}")


@pytest.fixture
def running_role(running_role_url: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Session of the running role."""
    with psycopg.connect(running_role_url) as session:
        yield session
        session.rollback()


@pytest.mark.django_db  # without a mark in the run, pytest-django makes no database
@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
def test_the_running_role_cannot(running_role, statement):
    with pytest.raises(InsufficientPrivilege):
        running_role.execute(statement)


@pytest.mark.parametrize("statement", ALLOWED.values(), ids=ALLOWED)
def test_the_running_role_can(running_role, statement):
    running_role.execute(statement)


def test_the_running_role_may_use_tables_of_later_migrations_but_not_change_them(
    running_role_url, django_db_blocker
):
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE later (id bigserial)")
    try:
        with psycopg.connect(running_role_url) as session:
            session.execute("INSERT INTO later DEFAULT VALUES")
            with pytest.raises(InsufficientPrivilege):
                session.execute("TRUNCATE later")
    finally:
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute("DROP TABLE later")


def test_every_table_that_refuses_changes_is_closed_to_the_running_role(running_role):
    guarded = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%append_only'"
    tables = {str(table) for (table,) in running_role.execute(guarded)}
    assert {"messaging_eventrecord", "inventory_stockmovement"} <= tables
    allowed = [
        (table, right)
        for table in tables
        for right in ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
        if running_role.execute("SELECT has_table_privilege(%s, %s)", [table, right]).fetchone() == (True,)
    ]
    assert allowed == [], "its model says append_only = True"


def test_migrations_connect_as_the_owner(running_role_url, django_db_blocker):
    def current_user() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            return str(cursor.fetchall()[0][0])

    with django_db_blocker.unblock(), two_roles():
        owner = current_user()
        running = psycopg.conninfo.conninfo_to_dict(running_role_url)
        given = dict(connection.settings_dict)
        connection.close()
        connection.settings_dict.update(USER=running["user"], PASSWORD=running["password"])
        try:
            assert current_user() == running["user"] != owner
            with database_roles.as_owner():
                assert current_user() == owner
            assert current_user() == running["user"]
        finally:
            connection.close()
            connection.settings_dict.update(given)


def test_a_running_role_that_may_change_tables_is_refused(running_role_url, django_db_blocker):
    owner = os.environ["DATABASE_URL"]
    with (
        django_db_blocker.unblock(),
        override_settings(DATABASE_URL=owner, SHOP_ADMIN_DATABASE_URL=owner),
        pytest.raises(CommandError, match=r"is a superuser.*owns messaging_eventrecord"),
    ):
        call_command("database_roles")


def test_a_missing_running_role_is_named(running_role_url, django_db_blocker):
    with (
        django_db_blocker.unblock(),
        override_settings(DATABASE_URL="postgresql://absent@localhost/shop"),
        pytest.raises(CommandError, match="CREATE ROLE absent LOGIN"),
    ):
        call_command("database_roles")


def test_one_role_for_everything_still_migrates(running_role_url, django_db_blocker):
    assert settings.SHOP_ADMIN_DATABASE_URL == ""
    with django_db_blocker.unblock():
        call_command("migrate", verbosity=0)
