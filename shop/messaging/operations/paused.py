"""Query about paused consumers: by the circuit breaker, or by hand."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext

from shop.messaging.consuming import circuit_breaker
from shop.messaging.models import Circuit
from shop.moments import shown


@dataclass(frozen=True, slots=True)
class PausedConsumer:
    """A consumer with an open circuit."""

    consumer: str
    since: datetime
    #: The operator who paused it; empty if the circuit breaker did.
    by: str
    #: Reason of the operator, or last error.
    reason: str
    #: Next probe, or end of a pause by hand; None if only a hand ends it.
    next_at: datetime | None
    failed_probes: int
    held: int

    @property
    def text(self) -> str:
        """The state and its cause, as an end of a sentence."""
        if not self.by:
            return gettext("paused since {shown}: {reason}").format(
                shown=shown(self.since), reason=self.reason
            )
        return gettext("paused by hand since {shown} by {by}: {reason}").format(
            shown=shown(self.since), by=self.by, reason=self.reason
        )

    @property
    def next_text(self) -> str:
        """Name of the next moment."""
        return gettext("end of the pause") if self.by else gettext("next probe")


def paused_consumers() -> list[PausedConsumer]:
    """Return the paused consumers, each with the number of its held events."""
    circuits = Circuit.objects.annotate(since=Coalesce("paused_at", "opened_at")).order_by(F("since"))
    return [
        PausedConsumer(
            consumer=circuit.consumer,
            since=circuit.since,
            by=circuit.paused_by,
            reason=circuit.reason if circuit.paused_by else circuit.last_error,
            next_at=circuit.paused_until if circuit.paused_by else circuit.probe_at,
            failed_probes=circuit.probes,
            held=circuit_breaker.held(circuit.consumer),
        )
        for circuit in circuits
    ]
