"""EasyPost as a choice of the installation."""

import os
import subprocess
import sys

import pytest
from django.core.checks import run_checks

from dev.paths import ROOT
from tests.support.easypost.fixtures import PARCEL, SENDER

_SHOW = (
    "import sys, django; django.setup();"
    "from django.conf import settings;"
    "from shipping.carrier import _configured;"  # what every call of the port goes through
    "_configured();"
    "print(settings.SHOP_CARRIER, settings.SHOP_TRACKING_INTERVAL, 'easypost' in sys.modules,"
    " settings.SHOP_SENDER['city'], settings.SHOP_PARCEL['weight'])"
)


def shown(**environment):
    unset = {"EASYPOST_API_KEY", "SHOP_CARRIER", "SHOP_TRACKING_INTERVAL_SECONDS"}
    env = {name: value for name, value in os.environ.items() if name not in unset}
    env |= {"DJANGO_SETTINGS_MODULE": "shop.settings", "DJANGO_DEBUG": "1", **environment}
    env |= {"SHOP_SENDER_CITY": "Oxford", "SHOP_PARCEL_WEIGHT_GRAMS": "900"}
    done = subprocess.run(
        [sys.executable, "-c", _SHOW], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_without_a_key_the_simulator_carries_and_the_sdk_is_not_imported():
    simulator = "shipping.simulator.carrier.SimulatedCarrier"
    assert shown() == [simulator, "0:00:02", "False", "Oxford", "900.0"]


def test_with_a_key_easypost_carries_and_is_asked_every_few_hours():
    easypost = "shipping.easypost.carrier.EasyPostCarrier"
    assert shown(EASYPOST_API_KEY="EZTK1") == [easypost, "6:00:00", "True", "Oxford", "900.0"]


@pytest.fixture
def found(settings):
    settings.SHOP_CARRIER = "shipping.easypost.carrier.EasyPostCarrier"
    settings.EASYPOST_API_KEY = "EZTK1"
    settings.SHOP_SENDER, settings.SHOP_PARCEL = dict(SENDER), dict(PARCEL)
    return lambda: {message.id: message.hint for message in run_checks(tags=["shipping"])}


def test_a_proper_installation_has_no_finding(found):
    assert found() == {}


def test_a_missing_sdk_is_an_error_that_names_the_requirements(found, monkeypatch):
    monkeypatch.setattr("shipping.checks.find_spec", lambda name: None)
    assert "requirements-easypost.txt" in found()["shipping.E001"]


def test_a_missing_key_is_an_error(found, settings):
    settings.EASYPOST_API_KEY = ""
    assert "EASYPOST_API_KEY" in found()["shipping.E002"]


def test_an_incomplete_sender_is_an_error_that_names_what_is_missing(found, settings):
    settings.SHOP_SENDER |= {"street": "", "postal_code": " ", "phone": ""}
    assert found()["shipping.E003"].endswith(": SHOP_SENDER_STREET, SHOP_SENDER_POSTAL_CODE.")


@pytest.mark.parametrize("measure", [0.0, -1.0, float("nan"), float("inf")])
def test_a_parcel_without_weight_or_size_is_an_error_that_names_them(found, settings, measure):
    settings.SHOP_PARCEL |= {"weight": measure, "height": measure}
    assert found()["shipping.E004"].endswith(": SHOP_PARCEL_WEIGHT_GRAMS, SHOP_PARCEL_HEIGHT_CM.")


def test_the_simulator_needs_none_of_it(found, settings, monkeypatch):
    settings.SHOP_CARRIER = "shipping.simulator.carrier.SimulatedCarrier"
    settings.EASYPOST_API_KEY, settings.SHOP_SENDER, settings.SHOP_PARCEL = "", {}, {}
    monkeypatch.setattr("shipping.checks.find_spec", lambda name: None)
    assert found() == {}
