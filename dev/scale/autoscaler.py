"""Autoscaler: the number of workers that KEDA and the HorizontalPodAutoscaler would ask for."""

import math
from collections import deque
from collections.abc import Iterable

from dev.scale.rule import Rule


class Autoscaler:
    """Decides from the depths of queues. More workers come at once, fewer after the stabilization window."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        #: Time and number of each decision within the window.
        self._recent = deque[tuple[float, int]]()

    def decide(self, depths: Iterable[int], *, now: float) -> int:
        """Return the number of workers. The queue that asks for most counts, as with KEDA's triggers."""
        rule = self._rule
        asked = max((math.ceil(depth / rule.per_worker) for depth in depths), default=0)
        self._recent.append((now, min(max(asked, rule.minimum), rule.maximum)))
        while self._recent[0][0] < now - rule.stabilization:
            self._recent.popleft()
        return max(number for _, number in self._recent)
