"""Dead letters: selection, preview of a replay, and the actions of operators."""

from shop.messaging.dead_letters.actions import (
    ReplayProgress,
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
    "ReplayProgress",
    "Selection",
    "discard_dead_letter",
    "discard_dead_letters",
    "replace_dead_letter",
    "replay_dead_letter",
    "replay_dead_letters",
]
