"""The runbook's section on restores is what the drill runs."""

import re
import shlex

import pytest
from django.core.management import get_commands, load_command_class

from dev.drill.runbook import RUNBOOK, steps

SECTION = RUNBOOK.read_text().partition("## Restoring a backup\n")[2].partition("\n## ")[0]
COMMANDS = [line for text in steps().values() for line in text.splitlines() if line.startswith("manage.py ")]


def test_every_block_of_the_section_is_a_step_of_the_drill():
    blocks = re.findall(r"^```\n(.*?)^```", SECTION, re.DOTALL | re.MULTILINE)
    assert blocks == list(steps().values())
    assert len(steps()) == len(blocks), "two blocks have one name"


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_exists_with_its_options(line: str):
    _, name, *arguments = shlex.split(line)
    command = load_command_class(get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)
