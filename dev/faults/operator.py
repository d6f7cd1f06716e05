"""What an operator does after a bad day: discards what nobody can read, and replays every other dead letter.

It runs in ``manage.py shell``.
"""

import json
from collections import Counter

from shop.messaging.dead_letters import discard_dead_letter, replay_dead_letter
from shop.messaging.models import DeadLetter


def tidy_up() -> None:
    """Act on every open dead letter, and print how many there were by cause."""
    letters = list(DeadLetter.objects.filter(status=DeadLetter.Status.OPEN))
    for letter in letters:
        if letter.cause == DeadLetter.Cause.UNREADABLE:
            discard_dead_letter(dead_letter_id=letter.pk, by="operator", reason="rubbish from a stranger")
        else:
            replay_dead_letter(dead_letter_id=letter.pk, by="operator")
    print(json.dumps(Counter(letter.cause for letter in letters)))
