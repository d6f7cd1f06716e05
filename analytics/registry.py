"""Registry of projections: each has a name, versions of its code, and read models that it writes.

To change what a projection writes, give the new code the next number. While the former code stays beside it,
it serves the live read models, and the new version can be made and promoted beside them. Without it the new
code writes to read models that show as made by the former one, until a rebuild.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from analytics import projection
from analytics.errors import VersionMissing
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

    def applied_by(self, version: int | None) -> Apply:
        """Return the code that writes read models of a version: its own, or the next if that is gone.

        Raises VersionMissing if the version is newer than this code. None is the newest.
        """
        known = [number for number in self.versions if number >= (version or self.newest)]
        if not known:
            raise VersionMissing(
                f"Version {version} of the projection {self.name} is live, and this process has only "
                f"{self.newest}: start the release that {version} was promoted with."
            )
        return self.versions[min(known)]


#: Orders, and the sales that follow from them, in one transaction. Version 1 knew an order's total and times.
#: A further step needs no version: its consumer begins with the log, and adds to the read models as they are.
ORDERS = Definition("orders", {2: projection.apply}, READ_MODELS)
PROJECTIONS = (ORDERS,)
