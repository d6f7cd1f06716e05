"""Failures of EasyPost's API: nothing done, or an outcome that is unknown, and never two labels."""

import logging
from datetime import timedelta

import pytest

from dev.processes import ports
from shipping.carrier import BookingRequest, CarrierTimeout, CarrierUnavailable, Destination, carrier
from shipping.errors import CarrierError
from tests.support.easypost.server import API_KEY

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("easypost_api")]

HOME = Destination("Ada Lovelace", "12 St James's Sq", "London", "SW1Y", "GB")
CREATE, BUY = "POST /v2/shipments", r"POST /v2/shipments/[\w:]+/buy"
REFUND, TRACK = r"POST /v2/shipments/[\w:]+/refund", "POST /v2/trackers/batch"


def book(key="ship:1"):
    return carrier().book(key=key, to=HOME)


@pytest.mark.parametrize("call", [CREATE, BUY])
@pytest.mark.parametrize("kind", ["429", "401", "402"])
def test_where_nothing_was_done_the_carrier_is_unavailable(easypost_api, kind, call):
    with easypost_api.failing(kind, call), pytest.raises(CarrierUnavailable, match=f"answered {kind}"):
        book()
    assert easypost_api.bought() == []
    assert book().status == "booked"


@pytest.mark.parametrize("call", [CREATE, BUY])
@pytest.mark.parametrize("kind", ["409", "500", "503", "hangup", "html"])
def test_where_easypost_may_have_acted_the_outcome_is_unknown(easypost_api, kind, call):
    with easypost_api.failing(kind, call), pytest.raises(CarrierTimeout):
        book()
    assert carrier().find_booking(key="ship:1") is None
    assert book().status == "booked"
    assert len(easypost_api.bought()) == 1


@pytest.mark.parametrize("kind", ["500", "503", "silent carrier"])
def test_a_label_that_was_bought_with_an_error_is_found_and_not_bought_again(easypost_api, kind):
    with easypost_api.failing(kind, BUY, acts=True), pytest.raises(CarrierTimeout):
        book()
    (bought,) = easypost_api.bought()
    assert carrier().find_booking(key="ship:1").tracking_number == bought["tracking_code"]
    assert book().tracking_number == bought["tracking_code"]
    assert easypost_api.bought() == [bought]


def test_a_shipment_that_was_made_with_an_error_is_found_by_its_reference(easypost_api):
    with easypost_api.failing("500", CREATE, acts=True), pytest.raises(CarrierTimeout):
        book()
    assert book().status == "booked"
    assert len(easypost_api.account.shipments) == 1


def test_a_label_whose_answer_is_lost_is_found_and_bought_once(easypost_api, settings):
    settings.SHOP_EASYPOST_TIMEOUT = timedelta(seconds=0.5)
    with easypost_api.failing("timeout", BUY), pytest.raises(CarrierTimeout, match="did not answer"):
        book()
    settings.SHOP_EASYPOST_TIMEOUT = timedelta(seconds=20)
    assert carrier().find_booking(key="ship:1").status == "booked"
    assert book().status == "booked"
    assert len(easypost_api.bought()) == 1


def test_a_label_that_another_buys_meanwhile_is_not_an_error_for_long(easypost_api):
    """EasyPost refuses to sell a shipment's label twice."""

    def buy_first(call):
        if call.endswith("/buy"):
            easypost_api.before_acting = lambda call: None
            (shipment,) = easypost_api.account.shipments.values()
            easypost_api.account.buy(shipment["id"], {"rate": {"id": shipment["rates"][0]["id"]}})

    easypost_api.before_acting = buy_first
    with pytest.raises(CarrierTimeout, match=r"SHIPMENT\.POSTAGE\.EXISTS"):
        book()
    assert book().status == "booked"
    assert len(easypost_api.bought()) == 1


@pytest.mark.parametrize("call", [CREATE, BUY])
def test_a_request_that_the_shop_gets_wrong_refuses_nobody(easypost_api, call):
    with (
        easypost_api.failing("400", call),
        pytest.raises(CarrierError, match=r"PARAMETER\.INVALID") as caught,
    ):
        book()
    assert not isinstance(caught.value, CarrierTimeout | CarrierUnavailable)
    assert book().status == "booked"


def test_a_refused_connection_has_done_nothing(settings):
    settings.EASYPOST_API_BASE = f"http://127.0.0.1:{ports.pick(36000)}"
    with pytest.raises(CarrierUnavailable, match="no connection to EasyPost"):
        book()


@pytest.mark.parametrize("kind", ["500", "429"])
def test_a_label_that_could_not_be_given_back_is_given_back_later(easypost_api, kind):
    book()
    with easypost_api.failing(kind, REFUND), pytest.raises((CarrierTimeout, CarrierUnavailable)):
        carrier().void(key="ship:1")
    assert carrier().void(key="ship:1").status == "voided"
    assert easypost_api.bought() == []


def test_a_refund_that_was_made_with_an_error_is_found(easypost_api):
    book()
    with easypost_api.failing("500", REFUND, acts=True), pytest.raises(CarrierTimeout):
        carrier().void(key="ship:1")
    assert carrier().void(key="ship:1").status == "voided"


def test_tracking_fails_as_a_whole(easypost_api):
    number = book().tracking_number
    with easypost_api.failing("503", TRACK), pytest.raises(CarrierTimeout):
        carrier().track(tracking_numbers=[number])


@pytest.mark.parametrize("kind", ["400", "401", "409", "429", "500", "503", "hangup", "html"])
def test_neither_keys_nor_addresses_are_logged_or_told(easypost_api, caplog, kind):
    caplog.set_level(logging.DEBUG)
    with easypost_api.failing(kind):
        carrier().book_many([BookingRequest("ship:1", HOME), BookingRequest("ship:2", HOME)])
        with pytest.raises(CarrierError) as caught:
            book()

    said = caplog.text + repr(caught.value) + repr(caught.value.__cause__) + str(caught.value)
    assert "ship:2" in caplog.text
    assert API_KEY not in said
    assert "Ada" not in said
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
