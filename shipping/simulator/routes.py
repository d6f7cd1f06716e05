"""How the simulated carrier treats a parcel, by a magic word in its street; EasyPost's, and two of ours."""

from dataclasses import dataclass

from shipping.carrier import ParcelStatus

_ON_THE_WAY = (ParcelStatus.PRE_TRANSIT, ParcelStatus.IN_TRANSIT, ParcelStatus.OUT_FOR_DELIVERY)


@dataclass(frozen=True, slots=True)
class Route:
    """What happens to a parcel, one step after the other."""

    steps: tuple[ParcelStatus, ...] = (*_ON_THE_WAY, ParcelStatus.DELIVERED)
    #: The carrier does not take it at all.
    refused: bool = False
    #: The first call books and then never answers.
    times_out: bool = False


MAGIC = {
    "EZ5000000005": Route((*_ON_THE_WAY, ParcelStatus.RETURN_TO_SENDER)),
    "EZ6000000006": Route(refused=True),
    # Ours:
    "EZ_TIMEOUT": Route(times_out=True),
    "EZ_LOST": Route((*_ON_THE_WAY, ParcelStatus.FAILURE)),
}


def route_to(street: str) -> Route:
    """What happens to a parcel that is sent there; ordinary ones are delivered."""
    return next((route for word, route in MAGIC.items() if word in street.upper()), Route())
