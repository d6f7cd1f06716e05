"""Entities of a namespace, from the Config.json of Microsoft's emulator."""

import re
from collections.abc import Iterator
from typing import Any

from dev.errors import ScriptError
from dev.servers.servicebus.entities import Entity, Options

DEAD_LETTER_QUEUE = "$deadletterqueue"
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")
_DURATION_UNITS = (3600, 60, 1)


class Namespace:
    """Paths -> entities. Service Bus ignores the case of a path."""

    def __init__(self, config: dict[str, Any]) -> None:
        [definition] = config["UserConfig"]["Namespaces"]
        self.entities: dict[str, Entity] = {}
        self._topics: dict[str, list[Entity]] = {}
        for queue in definition.get("Queues", ()):
            self._add(queue["Name"], _options(queue))
        for topic in definition.get("Topics", ()):
            self._topics[topic["Name"].lower()] = [
                self._add(f"{topic['Name']}/subscriptions/{subscription['Name']}", _options(subscription))
                for subscription in topic.get("Subscriptions", ())
            ]

    def find(self, path: str) -> Entity | None:
        """Return the queue, subscription or dead-letter queue at ``path``."""
        return self.entities.get(path.lower())

    def targets(self, path: str) -> list[Entity] | None:
        """Return the entities that get what is sent to ``path``; None if there is no such queue or topic."""
        if path.lower() in self._topics:
            return self._topics[path.lower()]
        queue = self.find(path)
        return [queue] if queue else None

    def _add(self, path: str, options: Options) -> Entity:
        dead_letters = Entity(f"{path}/{DEAD_LETTER_QUEUE}".lower(), Options(options.lock_seconds))
        entity = Entity(path.lower(), options, dead_letters)
        for one in (entity, dead_letters):
            self.entities[one.path] = one
        return entity


def _options(definition: dict[str, Any]) -> Options:
    properties = definition.get("Properties", {})
    rules = definition.get("Rules")
    return Options(
        lock_seconds=seconds(properties.get("LockDuration", "PT1M")),
        max_delivery_count=properties.get("MaxDeliveryCount", 10),
        requires_session=properties.get("RequiresSession", False),
        subjects=None if rules is None else frozenset(_subjects(definition["Name"], rules)),
    )


def _subjects(subscription: str, rules: list[dict[str, Any]]) -> Iterator[str]:
    for rule in rules:
        conditions = rule["Properties"].get("CorrelationFilter", {})
        if rule["Properties"]["FilterType"] != "Correlation" or set(conditions) != {"Label"}:
            raise ScriptError(
                f"the stand-in for Service Bus knows correlation rules on the subject (Label) alone; "
                f"rule {rule['Name']!r} of subscription {subscription!r} is another."
            )
        yield conditions["Label"]


def seconds(duration: str) -> float:
    """Return the length of an ISO 8601 duration of hours, minutes and seconds."""
    if not (match := _DURATION.fullmatch(duration)):
        raise ScriptError(f"{duration!r} is no duration like PT1M30S.")
    return sum(float(n or 0) * unit for n, unit in zip(match.groups(), _DURATION_UNITS, strict=True))
