"""Command line of script/bench."""

import pytest

from dev.bench import options

RUNS = {"relay": 5, "chain": 5, "latency": 3, "consume": 5, "intake": 5, "backpressure": 1, "memory": 1}
RUNS["webhooks"] = 3


@pytest.mark.parametrize("command", [*RUNS, "growth"])
def test_every_report_can_be_kept_and_drawn(command):
    asked = options.parser().parse_args([command, "--json", "report.json", "--plot", "report.png"])

    assert (asked.json, asked.plot) == ("report.json", "report.png")
    assert callable(asked.measure)


@pytest.mark.parametrize(("command", "runs"), RUNS.items())
def test_each_command_is_run_as_often_as_makes_sense_for_it(command, runs):
    assert options.parser().parse_args([command]).runs == runs


@pytest.mark.parametrize("command", ["chain", "latency", "backpressure"])
def test_where_the_whole_shop_runs_its_layout_can_be_chosen(command):
    assert str(options.parser().parse_args([command, "--workers", "1x2"]).workers) == "1x2"
