"""Dead letters: which there are, what a replay of them would do, and what an operator may do with them."""

from shop.messaging.dead_letters.actions import (
    Tally,
    discard_dead_letter,
    discard_dead_letters,
    replay_dead_letter,
    replay_dead_letters,
)
from shop.messaging.dead_letters.edits import replace_dead_letter
from shop.messaging.dead_letters.errors import InvalidCopy, NotOpen, NotReplayable, ReasonMissing
from shop.messaging.dead_letters.selection import Selection

__all__ = [
    "InvalidCopy",
    "NotOpen",
    "NotReplayable",
    "ReasonMissing",
    "Selection",
    "Tally",
    "discard_dead_letter",
    "discard_dead_letters",
    "replace_dead_letter",
    "replay_dead_letter",
    "replay_dead_letters",
]
