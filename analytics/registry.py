"""Registry of projections: each has a name, versions of its code, and read models that it writes.

To change what a projection writes, give the new code the next number: the read models show as made by the
former one until a rebuild.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from analytics import projection
from analytics.measurements import Measurement
from analytics.models import READ_MODELS, ReadModel

#: Adds measurements to the read models.
Apply = Callable[[Sequence[Measurement]], None]


@dataclass(frozen=True)
class Definition:
    """A projection."""

    name: str
    versions: Mapping[int, Apply]
    read_models: tuple[type[ReadModel], ...]

    @property
    def newest(self) -> int:
        """The newest version."""
        return max(self.versions)


#: Orders, and the sales that follow from them, in one transaction. Version 1 knew an order's total and times.
ORDERS = Definition("orders", {2: projection.apply}, READ_MODELS)
PROJECTIONS = (ORDERS,)
