"""Positions of the projections in the log, and their lag."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analytics.models import JournalEntry, Projection
from analytics.registry import PROJECTIONS, Definition
from shop.messaging.consuming import Consumer, consumers
from shop.messaging.lag import MAX_WAITING, Lag, further_behind, lag_of, settled_position


@dataclass(frozen=True, slots=True)
class Beside:
    """A second version beside the live one."""

    version: int
    #: Its distance from the end of the log; None until it is filled.
    lag: Lag | None


@dataclass(frozen=True, slots=True)
class Progress:
    """A projection with its version, position and lag."""

    name: str
    #: Version that made the read models.
    version: int
    #: Newest version in the code. If it differs, a rebuild makes the read models anew.
    newest_version: int
    read_models: tuple[str, ...]
    rebuilt_at: datetime | None
    lag: Lag
    beside: Beside | None


def own_consumers() -> list[Consumer]:
    """Return the consumers that feed the projections."""
    return [consumer for consumer in consumers() if consumer.app == "analytics"]


def progress() -> list[Progress]:
    """Return all projections with their lag."""
    states = Projection.objects.in_bulk([definition.name for definition in PROJECTIONS])
    return [progress_of(states[definition.name]) for definition in PROJECTIONS]


def progress_of(state: Projection) -> Progress:
    """Return a projection with its lag."""
    definition = next(one for one in PROJECTIONS if one.name == state.name)
    live = _lag(state, MAX_WAITING)
    return Progress(
        name=definition.name,
        version=state.version,
        newest_version=definition.newest,
        read_models=tuple(model._meta.model_name or "" for model in definition.read_models),
        rebuilt_at=state.rebuilt_at,
        lag=live,
        beside=_beside(state, live),
    )


def lag(definition: Definition, *, limit: int = 1) -> Lag:
    """Return the lag of one projection, with up to ``limit`` waiting events counted."""
    return _lag(Projection.objects.filter(name=definition.name).first(), limit)


def note_checked_positions() -> None:
    """Note how far the consumers surely are, so that searches for waiting events stay short."""
    for definition in PROJECTIONS:
        checked = settled_position(lag(definition))
        Projection.objects.filter(name=definition.name, checked_to__lt=checked).update(checked_to=checked)


def register_projections(apps: Any = None, **kwargs: Any) -> None:
    """Receiver of ``post_migrate``: give each new projection its row, of the newest version."""
    model = apps.all_models["analytics"].get("projection") if apps else Projection
    if model:
        for definition in PROJECTIONS:
            model.objects.get_or_create(name=definition.name, defaults={"version": definition.newest})


def _beside(state: Projection, live: Lag) -> Beside | None:
    if state.beside is None:
        return None
    journaled = JournalEntry.objects.order_by("pk").values("event_id")[:MAX_WAITING]
    return Beside(state.beside, further_behind(live, journaled) if state.beside_filled else None)


def _lag(state: Projection | None, limit: int) -> Lag:
    return lag_of(own_consumers(), after=state.checked_to if state else 0, limit=limit)
