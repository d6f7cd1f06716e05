"""Names and reasons have a character that can be seen, wherever they come in."""

import json
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from inventory.errors import ReasonMissing
from inventory.services import add_product, adjust_stock, recount_stock
from payments.errors import NotGivenBack
from payments.models import Refund
from shop.accounts.models import ApiKey
from shop.messaging.dead_letters.actions import require_reason
from shop.messaging.errors import MessagingError
from storefront.account_forms import KeyForm

pytestmark = pytest.mark.django_db

FILLER = "\u3164"
HIDDEN = ["\u200b", "\u2060\u200d", FILLER]


@pytest.mark.parametrize("name", HIDDEN)
def test_an_api_key_has_a_name_that_can_be_seen(name):
    client = APIClient()
    client.force_authenticate(User.objects.create_user("ada"))
    refused = client.post("/api/v1/keys", {"name": name}, format="json")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "invisible")
    assert "name" in KeyForm({"name": name, "days": "30"}).errors
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    ("page", "form"),
    [
        ("user", {"username": FILLER, "password1": "uncommon words", "password2": "uncommon words"}),
        ("group", {"name": "\u200b"}),
    ],
)
def test_an_account_or_a_group_of_the_admin_has_a_name_that_can_be_seen(admin_client, page, form):
    counts = User.objects.count(), Group.objects.count()
    answer = admin_client.post(f"/admin/auth/{page}/add/", form | {"usable_password": "true"})
    assert "at least one character that can be seen" in answer.content.decode()
    assert (User.objects.count(), Group.objects.count()) == counts


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("part", ["user name", "full name", "product", "sku"])
def test_an_import_takes_no_name_that_nobody_can_see(tmp_path, name, part):
    product = {"sku": "CUP", "name": "A cup", "price": "1.00", "currency": "GBP", "needed": 1}
    product |= {"sku": name} if part == "sku" else {"name": name} if part == "product" else {}
    user, full = (name if part == wanted else "Ada" for wanted in ("user name", "full name"))
    wanted = {"products": [product], "customers": {user: full}, "reason": "an import"}
    (tmp_path / "wanted.json").write_text(json.dumps(wanted))
    with pytest.raises(CommandError):
        call_command("import_catalogue", tmp_path / "wanted.json", "--tokens", tmp_path / "tokens.json")
    assert not User.objects.exists()


@pytest.mark.parametrize("name", HIDDEN)
def test_a_product_has_a_name_and_a_sku_that_can_be_seen(name):
    for facts in ({"sku": "CUP", "name": name}, {"sku": name, "name": "A cup"}):
        with pytest.raises(ValidationError):
            add_product(**facts, price=Decimal(1))


@pytest.mark.parametrize("reason", ["", " ", *HIDDEN])
def test_a_reason_that_nobody_can_see_is_none(reason):
    add_product(sku="CUP", name="A cup", price=Decimal(1), stock=5)
    with pytest.raises(ReasonMissing):
        adjust_stock(sku="CUP", quantity=1, reason=reason)
    with pytest.raises(ReasonMissing):
        recount_stock(sku="CUP", counted=1, reason=reason)
    with pytest.raises(MessagingError):
        require_reason(reason)
    with pytest.raises(NotGivenBack, match="reason"):
        Refund(state=Refund.State.FAILED).give_otherwise(reason)
