"""Both carriers behind their port."""

import pytest

from shipping.models import SimulatedLabel
from tests.support.easypost.fixtures import easypost_api, easypost_stand_in  # noqa: F401
from tests.support.easypost.server import EasyPostStandIn


class SimulatorBackstage:
    """Course of the simulator's parcels, as tests decide it."""

    def scan(self, tracking_number: str, status: str) -> None:
        label = SimulatedLabel.objects.get(pk=tracking_number)
        label.scans.append([status, "2026-11-29T10:00:00+00:00"])
        label.save()


class EasyPostBackstage:
    """Course of the parcels of EasyPost's carriers, as tests decide it."""

    def __init__(self, api: EasyPostStandIn) -> None:
        self.api = api

    def scan(self, tracking_number: str, status: str) -> None:
        self.api.account.scan(tracking_number, status)


@pytest.fixture(params=["simulator", "easypost"])
def backstage(request, settings):
    """Make each carrier the configured one in turn."""
    if request.param == "easypost":
        return EasyPostBackstage(request.getfixturevalue("easypost_api"))
    settings.SHOP_CARRIER = "shipping.simulator.carrier.SimulatedCarrier"
    return SimulatorBackstage()
