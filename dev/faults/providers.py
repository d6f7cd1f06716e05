"""Gateway and carrier act and do not answer, answer 500, refuse refunds, or take their time."""

from collections.abc import Callable, Iterator
from random import Random

from dev.faults.kinds import fault
from dev.faults.world import World
from dev.load import providers

_GATEWAY = ("", "charge", "find_charge", "refund", "find_refund", "cancel_charge")
_CARRIER = ("", "book", "find_booking", "void", "track")
_LASTS = (4.0, 15.0)


def _register(
    name: str, operations: tuple[str, ...], break_it: Callable[..., None], mend: Callable[[str], None]
) -> None:
    def register(what: str, kind: str, longest: float = 0) -> None:
        @fault(f"{name} {what}", target=name, lasts=_LASTS)
        def harm(world: World, chance: Random) -> Iterator[None]:
            seconds = round(chance.uniform(0, longest), 1)
            break_it(world.database_url, kind, chance.choice(operations), seconds=seconds)
            yield
            mend(world.database_url)

    register("acts and does not answer", "timeout", longest=2)
    register("answers 500", "outage")
    register("is slow", "slow", longest=4)


_register("gateway", _GATEWAY, providers.break_gateway, providers.mend_gateway)
_register("carrier", _CARRIER, providers.break_carrier, providers.mend_carrier)


@fault("gateway refuses refunds", target="gateway", lasts=_LASTS)
def refunds_refused(world: World, chance: Random) -> Iterator[None]:
    """Their orders need attention, and nobody pays it until the end."""
    providers.break_gateway(world.database_url, "refusal", "refund")
    yield
    providers.mend_gateway(world.database_url)
