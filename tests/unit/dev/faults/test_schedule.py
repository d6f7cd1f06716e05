"""A schedule of faults can be run again: everything about it follows from its seed."""

from collections import Counter

from dev.faults.catalogue import all_kinds
from dev.faults.schedule import CALM, draw

KINDS = all_kinds()


def test_a_seed_always_means_the_same_schedule():
    assert draw(7, 300, KINDS) == draw(7, 300, KINDS)
    assert draw(7, 300, KINDS) != draw(8, 300, KINDS)


def test_in_five_minutes_every_kind_of_fault_strikes():
    assert {strike.kind.name for strike in draw(7, 300, KINDS)} == {kind.name for kind in KINDS}


def test_no_kind_comes_again_before_all_others_have_come():
    times = Counter(strike.kind.name for strike in draw(7, 300, KINDS))
    assert max(times.values()) - min(times.values()) <= 1


def test_two_faults_of_one_target_never_last_at_the_same_time():
    free_at: dict[str, float] = {}
    for strike in draw(7, 600, KINDS):
        assert strike.at >= free_at.get(strike.kind.target, CALM)
        free_at[strike.kind.target] = strike.at + strike.lasts


def test_everything_is_mended_when_the_time_is_over():
    assert all(strike.at + strike.lasts <= 60 for strike in draw(7, 60, KINDS))
