"""Consumer of the rolling context: it notes the release that consumed the event.

The ``old`` release neither signs events nor verifies signatures.
"""

from celery.signals import before_task_publish

from shop.messaging.bus import outgoing, task_signatures
from shop.messaging.consuming import consumes, runner
from shop.messaging.worker import bridge
from tests.contracts.probe.notes import note
from tests.contracts.rolling import events
from tests.contracts.rolling.events import RELEASE

if RELEASE == "old":
    outgoing.signed = lambda body, message_id, type: body
    bridge.is_signed = bridge.verifies = lambda *event: True
    runner.SIGNATURE = ""  # it is kept with what is tried again
    task_signatures.sign = before_task_publish.disconnect(task_signatures.sign)

NEWEST = events.CratePacked if RELEASE == "old" else events.CratePackedV2


@consumes(NEWEST, batch=5)
def when_crate_packed_note_it(event) -> None:
    assert isinstance(event, NEWEST)
    note(event.crate_id, RELEASE)
