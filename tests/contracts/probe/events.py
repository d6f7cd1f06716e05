"""What the probe publishes. Its app is ``tests``, from the module's first name."""

from uuid import UUID

from shop.messaging.contracts import Event, Reminder


class ProbeSent(Event, aggregate="probe_id"):
    probe_id: UUID
    #: What the consumer shall do with it: ``note``, ``fail``, ``fail_once``, ``too_early``, ``wait``,
    #: ``crash``.
    behaviour: str = "note"
    number: int = 0


class ProbeNudged(Event, aggregate="probe_id"):
    probe_id: UUID


class ProbeDue(Reminder, aggregate="probe_id"):
    probe_id: UUID
