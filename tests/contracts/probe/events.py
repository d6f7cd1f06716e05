"""Events of the probe. Their app is ``tests``, the first part of the module's name."""

from uuid import UUID

from shop.messaging.contracts import Event, Reminder


class ProbeSent(Event, aggregate="probe_id"):
    probe_id: UUID
    #: Behaviour of the consumer: ``note``, ``fail``, ``fail_once``, ``too_early``, ``wait``,
    #: ``crash``.
    behaviour: str = "note"
    number: int = 0


class ProbeNudged(Event, aggregate="probe_id"):
    probe_id: UUID


class ProbeDue(Reminder, aggregate="probe_id"):
    probe_id: UUID
