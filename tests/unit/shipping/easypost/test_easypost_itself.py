"""Smoke test against EasyPost's test mode. It runs only with a test key, and buys no real postage."""

import os

import pytest

from shipping.carrier import Destination, carrier
from shop.ids import uuid7
from tests.support.easypost.fixtures import PARCEL

pytestmark = pytest.mark.django_db

KEY = os.environ.get("EASYPOST_TEST_KEY", "")
WAREHOUSE = Destination(
    "Shop Ltd", "388 Townsend St", "San Francisco", "94107", "US", region="CA", phone="5555555555"
)
HOME = Destination(
    "Ada Lovelace", "179 N Harbor Dr", "Redondo Beach", "90277", "US", region="CA", phone="5555555555"
)


@pytest.fixture(autouse=True)
def _easypost_itself(settings):
    if not KEY.startswith("EZTK"):
        pytest.skip("EasyPost itself was not asked: EASYPOST_TEST_KEY is no test key (EZTK...)")
    settings.SHOP_CARRIER = "shipping.easypost.carrier.EasyPostCarrier"
    settings.EASYPOST_API_KEY, settings.EASYPOST_API_BASE = KEY, "https://api.easypost.com"
    settings.SHOP_SENDER, settings.SHOP_PARCEL = WAREHOUSE.parts, PARCEL


def test_easypost_sells_a_label_once_tracks_it_and_takes_it_back():
    key = f"ship:{uuid7()}"
    labels = [carrier().book(key=key, to=HOME) for _ in range(2)]
    assert labels[0] == labels[1] == carrier().find_booking(key=key)
    assert labels[0].status == "booked"
    number = labels[0].tracking_number
    assert number in carrier().track(tracking_numbers=[number])
    assert carrier().void(key=key).status == "voided"
    assert carrier().void(key=f"ship:{uuid7()}").status == "voided"
