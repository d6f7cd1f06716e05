"""Steps of the runbook: the commands of a restore have one source, which people read and the drill runs."""

import re
from collections.abc import Mapping
from functools import cache

from dev.paths import ROOT

RUNBOOK = ROOT / "docs" / "runbook.md"
_BLOCK = re.compile(r"<!-- drill: ([a-z_ ]+) -->\n```\n(.*?)```", re.DOTALL)


@cache
def steps() -> Mapping[str, str]:
    """Return the commands of the runbook's steps, by name."""
    found = _BLOCK.findall(RUNBOOK.read_text())
    return dict(found)
