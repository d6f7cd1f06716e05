"""Faults of gateway and carrier: lost responses, errors, slowness, refused refunds."""

from collections.abc import Callable, Iterator
from random import Random

from dev.faults.kinds import fault
from dev.faults.system import System
from dev.load import providers

_GATEWAY = ("", "authorise", "capture", "find", "cancel", "refund", "find_refund")
_CARRIER = ("", "book", "find_booking", "void", "track")
_DURATION = (4.0, 15.0)


def _register(
    name: str, operations: tuple[str, ...], break_provider: Callable[..., None], mend: Callable[[str], None]
) -> None:
    def register(what: str, kind: str, longest: float = 0) -> None:
        @fault(f"{name} {what}", target=name, duration=_DURATION)
        def inject(system: System, chance: Random) -> Iterator[None]:
            seconds = round(chance.uniform(0, longest), 1)
            break_provider(system.database_url, kind, chance.choice(operations), seconds=seconds)
            yield
            mend(system.database_url)

    register("acts and does not answer", "timeout", longest=2)
    register("answers 500", "outage")
    register("is slow", "slow", longest=4)


_register("gateway", _GATEWAY, providers.break_gateway, providers.mend_gateway)
_register("carrier", _CARRIER, providers.break_carrier, providers.mend_carrier)


@fault("gateway refuses refunds", target="gateway", duration=_DURATION)
def refunds_refused(system: System, chance: Random) -> Iterator[None]:
    """The orders concerned need an operator's attention, which they get after the run."""
    providers.break_gateway(system.database_url, "refusal", "refund")
    yield
    providers.mend_gateway(system.database_url)
