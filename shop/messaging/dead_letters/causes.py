"""The open dead letters by cause: which consumer fails on what, how often and since when."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min

from shop.messaging.dead_letters.selection import Selection
from shop.messaging.models import DeadLetter

#: Nobody reads more causes than that; the most frequent come first.
MOST_CAUSES = 200


@dataclass(frozen=True, slots=True)
class Cause:
    """Dead letters alike: same consumer, same exception, same type of event."""

    app: str
    consumer: str
    error_type: str
    type: str
    letters: int
    first: datetime
    last: datetime
    #: What the newest of them says.
    example: str

    @property
    def selection(self) -> Selection:
        """These letters."""
        names = ("app", "consumer", "error_type", "type")
        return Selection(where={name: getattr(self, name) for name in names})


def causes(selection: Selection | None = None) -> list[Cause]:
    """The causes of open dead letters, the most frequent first; two statements, however many letters."""
    grouped = (selection or Selection()).letters().order_by().values("app", "consumer", "error_type", "type")
    rows = list(
        grouped.annotate(n=Count("pk"), first=Min("died_at"), last=Max("died_at"), newest=Max("pk")).order_by(
            "-n", "app", "consumer", "error_type", "type"
        )[:MOST_CAUSES]
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
