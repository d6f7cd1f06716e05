"""Events of the rolling context, by release."""

import os
from uuid import UUID

from shop.messaging.contracts import Event

RELEASE = os.environ.get("SHOP_TEST_RELEASE", "newer")


class CratePacked(Event, aggregate="crate_id"):
    crate_id: UUID
    pounds: float


if RELEASE != "old":

    class CratePackedV2(Event, version=2, aggregate="crate_id", replaces=CratePacked):
        crate_id: UUID
        grams: int

        @classmethod
        def upcast(cls, old: CratePacked) -> "CratePackedV2":
            return cls(crate_id=old.crate_id, grams=round(old.pounds * 453.6))

        def downcast(self) -> CratePacked | None:
            if RELEASE == "newer":
                return None
            return CratePacked(crate_id=self.crate_id, pounds=self.grams / 453.6)
