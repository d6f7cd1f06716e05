"""Registry of projections: each has a name, versions of its code, and read models that it writes.

To change what a projection writes, give the new code the next number and keep the former beside it until the
new one is live, see ``docs/runbook.md``.
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

    def code_of(self, version: int | None) -> Apply:
        """Return the code of a version; that of the newest if it is gone, or None."""
        return self.versions.get(version or self.newest, self.versions[self.newest])


#: Orders, and the sales that follow from them, in one transaction.
ORDERS = Definition("orders", {1: projection.apply}, READ_MODELS)
PROJECTIONS = (ORDERS,)
