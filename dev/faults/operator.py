"""Operator of the shop under test: discards unreadable and forged dead letters and replays all others.

Runs in ``manage.py shell``.
"""

import json
from collections import Counter

from shop.messaging.dead_letters import discard_dead_letter, replay_dead_letter
from shop.messaging.models import DeadLetter


def act_on_dead_letters() -> None:
    """Act on every open dead letter and print their number by cause."""
    letters = list(DeadLetter.objects.filter(status=DeadLetter.Status.OPEN))
    for letter in letters:
        if letter.cause in (DeadLetter.Cause.UNREADABLE, DeadLetter.Cause.FORGED):
            discard_dead_letter(dead_letter_id=letter.pk, by="operator", reason="rubbish from a stranger")
        else:
            replay_dead_letter(dead_letter_id=letter.pk, by="operator")
    print(json.dumps(Counter(letter.cause for letter in letters)))
