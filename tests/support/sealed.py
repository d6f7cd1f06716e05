"""Events with sealed facts, made from facts in clear."""

from typing import Any, TypeVar

from shop.messaging.contracts import Event, seals_of
from shop.privacy.data_keys import key_for_account
from shop.privacy.sealing import sealed

E = TypeVar("E", bound=Event)


def sealed_event(kind: type[E], *, account_id: int = 7, **facts: Any) -> E:
    """Make an event of facts in clear; the personal ones are sealed under the key of an account."""
    if not seals_of(kind):
        return kind(**facts)
    with key_for_account(facts.get("customer_id", account_id)) as key:
        pass
    personal = {
        name: seals.facts(**{part: facts.pop(part) for part in seals.facts.model_fields})
        for name, seals in seals_of(kind).items()
    }
    return kind(**facts, **sealed(kind, key.result, **personal))
