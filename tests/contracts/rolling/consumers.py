"""Consumer of the rolling context: it notes the release that consumed the event."""

from shop.messaging.consuming import consumes
from tests.contracts.probe.notes import note
from tests.contracts.rolling import events
from tests.contracts.rolling.events import RELEASE

NEWEST = events.CratePacked if RELEASE == "old" else events.CratePackedV2


@consumes(NEWEST, batch=5)
def when_crate_packed_note_it(event) -> None:
    assert isinstance(event, NEWEST)
    note(event.crate_id, RELEASE)
