"""Values of wrong data, which may be personal: they reach neither logs nor the texts of errors."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from pydantic import ValidationError

from shop.ids import uuid7
from shop.messaging.consuming import failures, runner
from shop.messaging.contracts import Fact, Money
from shop.messaging.errors import PermanentFailure
from shop.messaging.models import DeadLetter, ScheduledMessage
from shop.postgres.engine.hidden_values import hide_values
from tests.contracts.probe.events import ProbeSent
from tests.unit.shop.messaging.support import a_consumer, published, run

pytestmark = pytest.mark.django_db(transaction=True)

ALICE = "Alice Liddell, Broad Street 1"
STATEMENTS = {
    "unique": "INSERT INTO who VALUES (%s), (%s)",
    "check": "INSERT INTO who SELECT %s || %s",
    "number": "SELECT %s::text || %s::int",
    "JSON": "SELECT %s::json, %s",
    "time": "SELECT %s::timestamptz, %s",
    "quotes": "SELECT (%s || '\"x')::int, %s",
}


class Address(Fact):
    street: int
    total: Money


def execute(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE who (name text UNIQUE, CHECK (length(name) < 50)) ON COMMIT DROP")
        cursor.execute(statement, [ALICE, ALICE])


def read_address() -> None:
    Address.model_validate({"street": ALICE, "total": {"amount": ALICE, "currency": ALICE}})


RAISERS: dict[str, Callable[[], None]] = {
    "fact": read_address,
    **{name: lambda statement=statement: execute(statement) for name, statement in STATEMENTS.items()},
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_error_of_the_database_says_what_is_wrong_without_the_value(name):
    with pytest.raises(DatabaseError) as raised:
        execute(STATEMENTS[name])
    for error in (raised.value, raised.value.__cause__):
        assert "Alice" not in f"{error} {error!r}"
        assert str(error)
    assert raised.value.__cause__.sqlstate, "the cause is there to be looked at"


def test_a_broken_constraint_is_named():
    with pytest.raises(DatabaseError, match="who_name_key"):
        execute(STATEMENTS["unique"])


def test_other_errors_are_left_alone():
    for error in (ValueError("a", 1), psycopg.OperationalError("the server is away")):
        args = error.args
        hide_values(error)
        assert error.args == args


def test_an_error_of_a_fact_names_fields_alone():
    with pytest.raises(ValidationError) as raised:
        read_address()
    assert "Alice" not in str(raised.value)
    assert "total.amount" in str(raised.value)


@pytest.mark.parametrize("name", RAISERS)
def test_a_failing_consumer_leaves_no_value_in_retry_dead_letter_and_log(name, caplog):
    def fail(event: ProbeSent) -> None:
        try:
            RAISERS[name]()
        except Exception as error:
            if event.number:
                raise PermanentFailure("it cannot be stored") from error
            raise

    run(a_consumer(fail), published(2))
    [retry], [letter] = ScheduledMessage.objects.all(), DeadLetter.objects.all()
    texts = [retry.last_error, letter.error, letter.traceback, caplog.text]
    assert not any("Alice" in text for text in texts)
    assert "raise PermanentFailure" in letter.traceback


def test_data_that_does_not_fit_its_schema_is_a_dead_letter_that_names_the_field(caplog):
    body = {"specversion": "1.0", "id": str(uuid7()), "source": "/shop/tests", "type": ProbeSent.type}
    body |= {"time": "2026-11-28T12:00:00Z", "data": {"probe_id": ALICE, "number": ALICE}}
    runner.run(a_consumer(print), [body], [{}])
    letter = DeadLetter.objects.get()
    assert letter.error.endswith(
        "its data does not fit the schema: probe_id (uuid_parsing), number (int_parsing)"
    )
    assert "Alice" not in letter.error + letter.traceback + caplog.text


def test_a_nul_in_the_text_of_an_error_can_be_stored():
    failures.dead_letter_unreadable(app="tests", body="\0", error_type="InvalidMessage", error="a\0b")
    assert DeadLetter.objects.get().error == "a\\x00b"
