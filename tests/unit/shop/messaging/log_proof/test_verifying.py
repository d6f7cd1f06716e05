"""Events that a superuser has changed, removed or added are found and named."""

import pytest
from django.db import IntegrityError, transaction

from shop.ids import uuid7
from shop.messaging.log_proof import keys
from shop.messaging.log_proof.verifying import faults
from shop.messaging.models import EventRecord, LogRoot
from shop.messaging.publishing import publish
from tests.contracts.probe.events import ProbeNudged, ProbeSent
from tests.unit.shop.messaging.log_proof.conftest import rehash, superuser

pytestmark = pytest.mark.django_db(transaction=True)

CHANGE = "UPDATE messaging_eventrecord SET data = data || '{\"number\": 7}' WHERE position = %s"
REMOVE = "DELETE FROM messaging_eventrecord WHERE position = %s"
ADD = """
    INSERT INTO messaging_eventrecord (position, id, type, aggregate_id, sequence, time, correlation_id,
                                       traceparent, data)
    SELECT %s, gen_random_uuid(), type, gen_random_uuid(), 1, time, correlation_id, '', data
    FROM messaging_eventrecord WHERE position = %s
"""


def found() -> list[tuple[int | None, str]]:
    return [(fault.position, fault.problem) for fault in faults()]


def test_a_log_that_nobody_touched_has_no_faults(log, signed):
    log(), log(1)
    with transaction.atomic():
        one, other = uuid7(), uuid7()
        for probe in (one, other, one, other):  # several events of an aggregate in one statement
            publish(ProbeSent(probe_id=probe, behaviour="note", number=0))
    assert found() == []
    assert signed() == EventRecord.objects.count()
    log()
    assert found() == []


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_changed_event_is_named(log, which):
    record = log()[which]
    with superuser() as cursor:
        cursor.execute(CHANGE, [record.position])
    [fault] = faults()
    assert (fault.position, fault.type, fault.sequence) == (record.position, record.type, record.sequence)
    assert fault.aggregate_id == record.aggregate_id


@pytest.mark.parametrize("column", ["type", "traceparent", "time", "correlation_id", "id", "causation_id"])
def test_no_column_of_an_event_can_be_changed(log, column):
    record = log()[1]
    value = {"time": "now()", "type": "'orders.Other.v1'", "traceparent": "'x'"}.get(
        column, "gen_random_uuid()"
    )
    with superuser() as cursor:
        cursor.execute(
            f"UPDATE messaging_eventrecord SET {column} = {value} WHERE position = {record.position}"
        )
    assert [position for position, _ in found()] == [record.position]


def test_a_changed_event_with_a_new_hash_is_found_by_the_next_one(log):
    _, changed, after = log()
    with superuser() as cursor:
        cursor.execute(CHANGE, [changed.position])
        rehash(cursor, changed)
    assert found() == [(after.position, "was changed, or the event before it in its order")]


def test_the_last_event_changed_with_a_new_hash_is_found_by_its_root(log, signed):
    last = log()[-1]
    signed()
    with superuser() as cursor:
        cursor.execute(CHANGE, [last.position])
        rehash(cursor, last)
    assert found() == [(last.position, "was changed after root 1 was signed")]


def test_a_removed_event_is_found_by_its_gap_and_named_by_its_root(log, signed):
    removed = log()[1]
    with superuser() as cursor:
        cursor.execute(REMOVE, [removed.position])
    [gap] = faults()
    assert (gap.problem, gap.sequence, gap.aggregate_id) == ("was removed", 2, removed.aggregate_id)


def test_a_whole_order_removed_is_named_by_its_root(log, signed):
    removed = log()
    signed()
    with superuser() as cursor:
        for record in removed:
            cursor.execute(REMOVE, [record.position])
    named = list(faults())
    assert [(fault.position, fault.type) for fault in named] == [(one.position, one.type) for one in removed]
    assert {fault.problem for fault in named} == {"was removed after root 1 was signed"}


def test_an_added_event_is_found(log, signed):
    (record,) = log(1)
    with transaction.atomic():
        publish(ProbeNudged(probe_id=record.aggregate_id))
        transaction.set_rollback(True)  # leaves a position that nobody has
    log(1)
    signed()
    with superuser() as cursor:
        cursor.execute(ADD, [record.position + 1, record.position])
    problems = {problem for position, problem in found() if position == record.position + 1}
    assert "was added after root 1 was signed" in problems


def test_a_removed_hash_is_found_but_older_rows_need_none(log):
    old, middle, _ = log()
    with superuser() as cursor:
        cursor.execute("UPDATE messaging_eventrecord SET hash = NULL WHERE position = %s", [old.position])
        for record in EventRecord.objects.filter(position__gt=old.position).order_by("position"):
            rehash(cursor, record)
    assert found() == []
    with superuser() as cursor:
        cursor.execute("UPDATE messaging_eventrecord SET hash = NULL WHERE position > %s", [middle.position])
    assert [problem for _, problem in found()] == ["its hash was removed"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE messaging_logroot SET signed_at = now() WHERE number = 1", "root 1 was changed"),
        ("UPDATE messaging_logroot SET leaves = leaves || ' ' WHERE number = 1", "its leaves are not those"),
        ("DELETE FROM messaging_logroot WHERE number = 1", "the root before it was removed"),
        ("UPDATE messaging_logroot SET public_key = repeat('0', 64)", "its signature is wrong"),
    ],
)
def test_roots_cannot_be_changed_or_removed(log, signed, change, problem):
    log()
    signed()
    log()
    signed()
    with superuser() as cursor:
        cursor.execute(change)
    assert any(problem in said for _, said in found())


def test_a_root_by_another_key_is_unknown_and_former_keys_are_named_by_a_setting(log, signed, settings):
    log()
    signed()
    former = keys.public_key()
    settings.SHOP_LOG_KEY = keys.new_key()[0]
    assert [problem.split(":")[0] for _, problem in found()] == ["root 1 is signed by an unknown key"]
    settings.SHOP_LOG_FORMER_PUBLIC_KEYS = [former]
    assert found() == []


def test_workers_of_an_older_release_go_on_the_chain(log):
    first = log(1)[0]
    with transaction.atomic():
        publish(ProbeNudged(probe_id=first.aggregate_id))
    second = EventRecord.objects.latest("position")
    with superuser() as cursor:
        cursor.execute(REMOVE, [second.position])
    second.hash = None
    EventRecord.objects.bulk_create([second])  # without a hash, as the older statement does
    assert bytes(EventRecord.objects.get(pk=second.pk).hash)
    assert found() == []


def test_roots_are_append_only(log, signed):
    log()
    signed()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        LogRoot.objects.update(events=0)
