"""Fixtures: EasyPost as the carrier, on the stand-in. A conftest imports both."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.easypost.server import API_KEY, EasyPostStandIn

SENDER = {
    "name": "Shop Ltd",
    "street": "1 Wharf Road",
    "second_line": "",
    "city": "Oxford",
    "region": "",
    "postal_code": "OX1 1AA",
    "country": "GB",
    "phone": "+44 1865 000000",
}
PARCEL = {"weight": 900.0, "length": 30.0, "width": 20.0, "height": 15.0}


@pytest.fixture(scope="session")
def easypost_stand_in() -> Iterator[EasyPostStandIn]:
    stand_in = EasyPostStandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def easypost_api(easypost_stand_in, settings) -> Iterator[EasyPostStandIn]:
    """Make EasyPost the carrier, and return its stand-in, whose account is empty."""
    settings.SHOP_CARRIER = "shipping.easypost.carrier.EasyPostCarrier"
    settings.EASYPOST_API_KEY, settings.EASYPOST_API_BASE = API_KEY, easypost_stand_in.url
    settings.SHOP_EASYPOST_TIMEOUT = timedelta(seconds=20)
    settings.SHOP_SENDER, settings.SHOP_PARCEL = SENDER, PARCEL
    easypost_stand_in.reset()
    yield easypost_stand_in
    easypost_stand_in.released.set()
