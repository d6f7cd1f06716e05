"""docs/choreography.md says what shop/choreography.py says."""

import pytest
from django.core.management import CommandError, call_command

from shop.choreography import CHAIN
from shop.console import choreography


def test_the_page_is_up_to_date():
    call_command("choreography", "--check")


def test_a_stale_page_is_told_and_mended(tmp_path, capsys):
    file = tmp_path / "choreography.md"
    with pytest.raises(CommandError, match="stale"):
        call_command("choreography", "--check", "--file", file)
    file.write_text(choreography.page(CHAIN[1:]))
    with pytest.raises(CommandError, match="stale"):
        call_command("choreography", "--check", "--file", file)
    call_command("choreography", "--file", file)
    call_command("choreography", "--check", "--file", file)


def test_every_reaction_is_on_the_page():
    page = choreography.page()
    for event, app, outcomes in CHAIN:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{event.app}.{event.__name__}`")]
        if app not in choreography.LISTENERS:
            assert f"**{app}**" in row
        if outcomes:
            names = [outcome.__name__ for outcome in outcomes]
            assert f"    {event.__name__} -- {app} --> {' & '.join(names)}" in page
            assert all(f"`{name}`" in row for name in names)
