"""A schedule of faults follows from its seed and can be repeated."""

from collections import Counter

from dev.faults.catalogue import all_kinds
from dev.faults.schedule import WARM_UP, draw

KINDS = all_kinds()


def test_a_seed_always_means_the_same_schedule():
    assert draw(7, 300, KINDS) == draw(7, 300, KINDS)
    assert draw(7, 300, KINDS) != draw(8, 300, KINDS)


def test_in_five_minutes_every_kind_of_fault_strikes():
    assert {fault.kind.name for fault in draw(7, 300, KINDS)} == {kind.name for kind in KINDS}


def test_no_kind_comes_again_before_all_others_have_come():
    times = Counter(fault.kind.name for fault in draw(7, 300, KINDS))
    assert max(times.values()) - min(times.values()) <= 1


def test_two_faults_of_one_target_never_last_at_the_same_time():
    free_at: dict[str, float] = {}
    for fault in draw(7, 600, KINDS):
        assert fault.at >= free_at.get(fault.kind.target, WARM_UP)
        free_at[fault.kind.target] = fault.at + fault.duration


def test_everything_is_mended_when_the_time_is_over():
    assert all(fault.at + fault.duration <= 60 for fault in draw(7, 60, KINDS))
