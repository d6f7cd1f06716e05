"""Receipts of orders: verified offline, without personal facts, and what a forged one shows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from orders import services
from shop.messaging.log_proof import keys, roots
from tests.support.waiting import eventually
from tests.unit.orders.rest import ORDERS

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = Path(django_settings.BASE_DIR) / "docs" / "examples" / "verify_receipt.py"


@pytest.fixture
def receipt(order, as_ada, settings):
    """Ada's receipt of a cancelled order, below a signed root."""
    settings.SHOP_LOG_KEY = keys.new_key()[0]
    services.request_cancellation(order_id=order.pk, reason="customer")
    # A long transaction of any database of the server, such as those of other tests, puts the signing off.
    eventually(lambda: roots.sign_new_events(settling=0), within=90)
    return as_ada.get(f"{ORDERS}/{order.pk}/receipt").json()


def verified(receipt, tmp_path, key=None):
    """Run the script of the documentation on a receipt, in a process that knows nothing of the shop."""
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(receipt))
    done = subprocess.run(
        [sys.executable, "-I", SCRIPT, file, key or keys.public_key()], capture_output=True, text=True
    )
    return done.returncode, done.stdout


def test_a_receipt_is_verified_offline(receipt, tmp_path):
    assert len(receipt["events"]) > 1
    assert verified(receipt, tmp_path) == (0, "The receipt is genuine.\n")


def _text(receipt):
    receipt["events"][0]["text"] = receipt["events"][0]["text"].replace("OrderCreated", "OrderDelivered")


def _data(receipt):
    receipt["events"][0]["data"] = receipt["events"][0]["data"].replace("TEAPOT", "KETTLE")


def _event_left_out(receipt):
    del receipt["events"][0]


def _path(receipt):
    receipt["proof"]["path"].append(["left", "00" * 32])


def _statement(receipt):
    receipt["proof"]["statement"] += " "


def _leaf(receipt):
    receipt["proof"]["leaf"] = receipt["proof"]["leaf"][:-1] + "!"


def _proof_left_out(receipt):
    receipt["proof"] = None


@pytest.mark.parametrize("forge", [_text, _data, _event_left_out, _path, _statement, _leaf, _proof_left_out])
def test_a_forged_receipt_is_refused(receipt, tmp_path, forge):
    forge(receipt)
    code, said = verified(receipt, tmp_path)
    assert code == 1, said


def test_a_receipt_by_another_key_is_refused(receipt, tmp_path):
    assert verified(receipt, tmp_path, keys.new_key()[1]) == (1, "the root is not signed by this key\n")


def test_customers_get_the_data_of_their_own_order_and_staff_all(receipt, order, as_olga, as_bob):
    assert [bool(event["data"]) for event in receipt["events"]] == [True, False]
    everything = as_olga.get(f"{ORDERS}/{order.pk}/receipt").json()
    assert all(event["data"] for event in everything["events"])
    assert as_bob.get(f"{ORDERS}/{order.pk}/receipt").status_code == 404


def test_a_receipt_has_no_personal_facts_in_clear(receipt, order, as_olga):
    text = json.dumps([receipt, as_olga.get(f"{ORDERS}/{order.pk}/receipt").json()])
    assert not [fact for fact in (order.ship_street, order.ship_name, order.customer_email) if fact in text]


def test_without_signed_roots_a_receipt_has_no_proof(order, as_ada):
    assert as_ada.get(f"{ORDERS}/{order.pk}/receipt").json()["proof"] is None
