"""Routes of parcels at the simulated carrier, chosen by a magic word in the street, mostly EasyPost's."""

from dataclasses import dataclass

from shipping.carrier import ParcelStatus

_UNDER_WAY = (ParcelStatus.PRE_TRANSIT, ParcelStatus.IN_TRANSIT, ParcelStatus.OUT_FOR_DELIVERY)


@dataclass(frozen=True, slots=True)
class Route:
    """Steps of a parcel, and faults of its booking."""

    steps: tuple[ParcelStatus, ...] = (*_UNDER_WAY, ParcelStatus.DELIVERED)
    #: The carrier refuses the parcel.
    refused: bool = False
    #: The first call books, and then does not answer.
    times_out: bool = False


MAGIC_WORDS = {
    "EZ5000000005": Route((*_UNDER_WAY, ParcelStatus.RETURN_TO_SENDER)),
    "EZ6000000006": Route(refused=True),
    # Beyond EasyPost's:
    "EZ_TIMEOUT": Route(times_out=True),
    "EZ_LOST": Route((*_UNDER_WAY, ParcelStatus.FAILURE)),
    "EZ_LATE": Route((*_UNDER_WAY, ParcelStatus.FAILURE, ParcelStatus.DELIVERED)),
}


def route_to(street: str) -> Route:
    """Return the route to a street; without a magic word, the parcel is delivered."""
    return next((route for word, route in MAGIC_WORDS.items() if word in street.upper()), Route())
