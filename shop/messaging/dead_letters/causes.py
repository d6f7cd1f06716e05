"""Open dead letters by cause: consumer, exception and event type, with their number and time span."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from shop.messaging.dead_letters.selection import Selection
from shop.messaging.models import DeadLetter

#: Largest number of causes listed.
MAX_CAUSES = 200


@dataclass(frozen=True, slots=True)
class Cause:
    """Dead letters with the same consumer, exception and event type."""

    app: str
    consumer: str
    error_type: str
    type: str
    letters: int
    first: datetime
    last: datetime
    #: Error of the newest letter.
    example: str

    @property
    def selection(self) -> Selection:
        """Selection of these letters."""
        names = ("app", "consumer", "error_type", "type")
        return Selection(where={name: getattr(self, name) for name in names})


def causes(selection: Selection | None = None) -> list[Cause]:
    """Return the causes of open dead letters, the most frequent first. Takes two statements."""
    grouped = (selection or Selection()).letters().order_by().values("app", "consumer", "error_type", "type")
    rows = list(
        grouped.annotate(n=Count("pk"), first=Min("died_at"), last=Max("died_at"), newest=Max("pk")).order_by(
            "-n", "app", "consumer", "error_type", "type"
        )[:MAX_CAUSES]
    )
    examples = dict(
        DeadLetter.objects.filter(pk__in=[row["newest"] for row in rows]).values_list("pk", "error")
    )
    return [
        Cause(
            app=row["app"],
            consumer=row["consumer"],
            error_type=row["error_type"],
            type=row["type"],
            letters=row["n"],
            first=row["first"],
            last=row["last"],
            example=examples.get(row["newest"], ""),
        )
        for row in rows
    ]
