"""Positions: what is committed while records are settled in any order, and what members died over."""

from collections.abc import Iterable

import pytest

from shop.messaging.bus.kafka.positions import Position, Positions
from shop.messaging.bus.kafka.records import Record
from shop.messaging.bus.kafka.suspicion import LAST_START, SUSPECT_STARTS, WINDOW, Suspicion

PARTITION = ("shop.events", 3)


def record(offset: int) -> Record:
    return Record("orders", PARTITION, offset, b"{}", "{}", {})


def member(committed: int | None = 100, metadata: str = "") -> Positions:
    positions = Positions()
    positions.assign({PARTITION: Position(committed, Suspicion.parse(metadata))})
    return positions


def handed_over(positions: Positions, offsets: Iterable[int]) -> list[Record]:
    for offset in offsets:
        positions.hold(record(offset))
    return positions.release()[0]


def committed(positions: Positions) -> int | None:
    return positions.moved().get(PARTITION, (None, ""))[0]


def test_the_position_is_that_of_the_oldest_unsettled_record():
    positions = member()
    records = handed_over(positions, range(100, 105))

    positions.settle(records[1])
    positions.settle(records[3])
    assert committed(positions) is None
    positions.settle(records[0])
    assert committed(positions) == 102
    positions.settle(records[2])
    positions.settle(records[4])
    assert committed(positions) == 105
    assert committed(positions) is None, "it is committed once"


def test_records_of_others_move_the_position():
    positions = member()
    positions.skip(PARTITION, 100)
    assert committed(positions) == 101
    [mine] = handed_over(positions, [101])
    positions.skip(PARTITION, 102)
    assert committed(positions) is None
    positions.settle(mine)
    assert committed(positions) == 103


def test_a_commit_that_failed_is_repeated():
    positions = member()
    positions.skip(PARTITION, 100)
    assert committed(positions) == 101
    positions.reopen([PARTITION])
    assert committed(positions) == 101


def test_what_is_settled_after_a_revocation_is_of_no_effect():
    positions = member()
    [late] = handed_over(positions, [100])
    positions.forget([PARTITION])

    positions.settle(late)
    assert positions.moved() == {}
    assert handed_over(positions, [101]) == [], "its records are another member's"


def test_removed_records_are_counted():
    positions = member(committed=100)

    assert positions.hold(record(130)) == 30
    assert positions.hold(record(150)) == 0, "gaps later on are those of transactions"
    assert member(committed=None).hold(record(130)) == 0


def test_records_in_hand_are_limited():
    positions = member()
    first, *_ = handed_over(positions, range(100, 110))

    assert not positions.wait_for_space(10, timeout=0)
    positions.settle(first)
    assert positions.wait_for_space(10, timeout=0)


def test_a_start_is_counted_before_its_first_record_is_handed_over():
    positions = member(committed=100)
    for offset in range(100, 103):
        positions.hold(record(offset))

    records, before = positions.release()
    assert before == {PARTITION: (100, "starts=1;until=0")}
    assert [one.offset for one in records] == [100, 101, 102]
    positions.hold(record(103))
    [later], before = positions.release()
    assert (later.offset, before) == (103, {})


def test_an_orderly_end_takes_the_start_back():
    positions = member(committed=100)
    handed_over(positions, [100])

    assert positions.ended([PARTITION]) == {PARTITION: (100, "")}


def test_an_orderly_end_commits_what_is_settled():
    positions = member(committed=100)
    first, _ = handed_over(positions, [100, 101])
    positions.settle(first)

    assert positions.ended([PARTITION]) == {PARTITION: (101, "")}


def died_over(first: int, offsets: range, metadata: str = "") -> str:
    """Return the metadata after one more member has died."""
    positions = member(committed=first, metadata=metadata)
    for offset in offsets:
        positions.hold(record(offset))
    _, before = positions.release()
    return before[PARTITION][1]


def test_after_some_deaths_records_are_handed_over_one_by_one():
    metadata = ""
    for _ in range(SUSPECT_STARTS - 1):
        metadata = died_over(100, range(100, 110), metadata)

    positions = member(committed=100, metadata=metadata)
    [suspect] = handed_over(positions, range(100, 110))
    assert (suspect.offset, suspect.earlier_deliveries) == (100, SUSPECT_STARTS - 1)
    assert positions.release() == ([], {})
    positions.settle(suspect)
    [following], before = positions.release()
    assert following.offset == 101
    assert before[PARTITION][0] == 101, "it is alone at the position"


def test_one_more_death_in_the_window_makes_the_next_record_a_suspect_at_once():
    metadata = f"starts={SUSPECT_STARTS};until={100 + WINDOW}"
    positions = member(committed=100, metadata=metadata)
    [first] = handed_over(positions, range(100, 110))
    positions.settle(first)
    [_], before = positions.release()

    offset, metadata = before[PARTITION]
    assert handed_over(member(committed=offset, metadata=metadata), range(101, 110))[0].offset == 101
    assert len(handed_over(member(committed=offset, metadata=metadata), range(101, 110))) == 1


def test_behind_the_window_records_are_handed_over_together_again():
    metadata = f"starts={SUSPECT_STARTS};until=103"
    positions = member(committed=102, metadata=metadata)
    positions.skip(PARTITION, 102)
    positions.skip(PARTITION, 103)

    assert len(handed_over(positions, range(104, 110))) == 6


def test_a_record_that_members_died_over_again_and_again_is_given_up():
    metadata = ""
    for _ in range(LAST_START):
        metadata = died_over(100, range(100, 110), metadata)

    [poison] = handed_over(member(committed=100, metadata=metadata), range(100, 110))
    assert poison.is_given_up
    assert poison.earlier_deliveries == LAST_START


@pytest.mark.parametrize("foreign", ["", None, "starts=many;until=0", "x" * 5000])
def test_metadata_of_others_is_ignored(foreign):
    assert Suspicion.parse(foreign) == Suspicion()
