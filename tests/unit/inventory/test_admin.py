"""Inventory in the admin: products are edited, stock is adjusted, the ledger is read-only."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from inventory import services
from inventory.models import OrderStock, Product, StockMovement

pytestmark = pytest.mark.django_db


@pytest.fixture
def olga(client):
    client.force_login(User.objects.create_superuser("olga"))
    return client


@pytest.fixture
def viewer(client):
    """Return the client of a user with view permissions only."""
    user = User.objects.create_user("vera", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="inventory", codename__startswith="view")
    )
    client.force_login(user)
    return client


def page(product, name="change"):
    return reverse(f"admin:inventory_product_{name}", args=[product.pk])


def edited(**changes):
    return {"name": "Teapot", "description": "", "picture": "", "price": "24.95", "active": "on"} | changes


def test_an_operator_edits_how_a_product_is_sold(olga, teapot):
    assert olga.post(page(teapot), edited(name="Blue teapot", price="29.95")).status_code == 302
    product = Product.objects.get()
    assert (product.name, str(product.price)) == ("Blue teapot", "29.95")


def test_an_edit_changes_neither_sku_nor_stock(olga, teapot):
    olga.post(page(teapot), edited(name="Blue teapot", sku="OTHER", available="99", initial_stock="99"))
    product = Product.objects.get()
    assert (product.name, product.sku, product.available, product.initial_stock) == (
        "Blue teapot",
        "TEAPOT",
        5,
        5,
    )


def test_an_edit_does_not_bring_back_what_was_sold_meanwhile(olga, teapot, wants, monkeypatch):
    save = Product.save

    def sell_and_save(product, *args, **kwargs):
        monkeypatch.setattr(Product, "save", save)
        services.deduct_stock(order_ids=[wants(TEAPOT=3)])
        product.save(*args, **kwargs)

    monkeypatch.setattr(Product, "save", sell_and_save)
    olga.post(page(teapot), edited(name="Blue teapot"))
    product = Product.objects.get()
    assert (product.name, product.available) == ("Blue teapot", 2)


def test_a_product_comes_with_its_first_movement(olga):
    facts = edited(sku="VASE", name="Vase", price="120.00", currency="EUR", initial_stock="4")
    assert olga.post(reverse("admin:inventory_product_add"), facts).status_code == 302
    assert Product.objects.get().available == 4
    assert StockMovement.objects.get().quantity == 4


def test_a_negative_first_stock_is_refused_in_the_form(olga):
    facts = edited(sku="VASE", name="Vase", price="120.00", currency="EUR", initial_stock="-4")
    response = olga.post(reverse("admin:inventory_product_add"), facts)
    assert "initial_stock" in response.context["adminform"].form.errors


def test_the_stock_is_adjusted_with_a_reason(olga, teapot):
    assert "There are <strong>5</strong>" in olga.get(page(teapot, "adjust")).content.decode()
    olga.post(page(teapot, "adjust"), {"quantity": "-2", "reason": "Broken"})
    movement = StockMovement.objects.get(kind="adjusted")
    assert (movement.quantity, movement.reason, movement.actor) == (-2, "Broken", "olga")
    assert LogEntry.objects.get().get_change_message() == "Adjusted the stock: -2, Broken"


@pytest.mark.parametrize(("quantity", "reason"), [("-6", "Broken"), ("0", "Counted"), ("1", "")])
def test_an_impossible_adjustment_is_explained_in_the_form(olga, teapot, available, quantity, reason):
    response = olga.post(page(teapot, "adjust"), {"quantity": quantity, "reason": reason})
    assert response.context["form"].errors
    assert available("TEAPOT") == 5


def test_who_may_only_look_cannot_change_anything(viewer, teapot, available):
    assert viewer.get(page(teapot)).status_code == 200
    assert viewer.post(page(teapot), edited(name="Mine")).status_code == 403
    assert viewer.post(page(teapot, "adjust"), {"quantity": "9", "reason": "x"}).status_code == 403
    assert "Adjust stock" not in viewer.get(page(teapot)).content.decode()
    assert available("TEAPOT") == 5


def opened(client, product) -> dict[str, str]:
    """Return the hidden fields of the form of an adjustment, as just opened."""
    form = client.get(page(product, "adjust")).content.decode()
    return {"attempt": re.search(r'name="attempt" value="([^"]+)"', form)[1]}


def test_a_double_clicked_adjustment_counts_once(olga, teapot, available):
    form = opened(olga, teapot) | {"quantity": "3", "reason": "A delivery"}
    answers = [olga.post(page(teapot, "adjust"), form, follow=True) for _ in range(2)]
    assert available("TEAPOT") == 8
    assert StockMovement.objects.filter(kind="adjusted").count() == 1
    assert LogEntry.objects.count() == 1
    told = [[str(message) for message in answer.context["messages"]] for answer in answers]
    assert told[0] == [f"There are 8 of {teapot} now."]
    assert told[1][0].startswith("This form was sent before, and has taken effect")


@pytest.mark.django_db(transaction=True)
def test_clicks_at_the_same_time_count_once(teapot, available):
    user = User.objects.create_superuser("otto")
    clients = [Client(), Client()]
    for client in clients:
        client.force_login(user)
    form = opened(clients[0], teapot) | {"quantity": "3", "reason": "A delivery"}
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(lambda client: _post_and_close(client, teapot, form), clients))
    assert answers == [302, 302]
    assert available("TEAPOT") == 8


def _post_and_close(client, product, form) -> int:
    try:
        return client.post(page(product, "adjust"), form).status_code
    finally:
        connection.close()


def test_a_refused_adjustment_can_be_corrected_in_the_same_form(olga, teapot, available):
    form = opened(olga, teapot)
    refused = olga.post(page(teapot, "adjust"), form | {"quantity": "-6", "reason": "Broken"})
    assert form["attempt"] in refused.content.decode()
    olga.post(page(teapot, "adjust"), form | {"quantity": "-4", "reason": "Broken"})
    assert available("TEAPOT") == 1


def test_two_forms_with_the_same_adjustment_count_twice(olga, teapot, available):
    for _ in range(2):
        form = opened(olga, teapot) | {"quantity": "3", "reason": "A delivery"}
        olga.post(page(teapot, "adjust"), form)
    assert available("TEAPOT") == 11


def test_products_are_taken_off_sale_together(olga, teapot, kettle):
    chosen = {"action": "take_off_sale", "_selected_action": [teapot.pk, kettle.pk]}
    olga.post(reverse("admin:inventory_product_changelist"), chosen)
    assert not Product.objects.filter(active=True).exists()


@pytest.mark.parametrize(
    ("action", "text"), [("take_off_sale", "Taken off sale."), ("put_on_sale", "Put on sale.")]
)
def test_what_the_list_puts_on_or_off_sale_is_in_the_history_of_each_product(
    olga, teapot, kettle, action, text
):
    chosen = {"action": action, "_selected_action": [teapot.pk, kettle.pk]}
    olga.post(reverse("admin:inventory_product_changelist"), chosen)
    for product in (teapot, kettle):
        history = olga.get(page(product, "history"))
        assert [entry.get_change_message() for entry in history.context["action_list"]] == [text]


@pytest.mark.parametrize(
    "query", ["", "?stock=none", "?stock=scarce", "?stock=plenty", "?q=tea", "?active__exact=1"]
)
def test_the_list_of_products_opens(olga, teapot, query):
    assert olga.get(reverse("admin:inventory_product_changelist") + query).status_code == 200


@pytest.mark.parametrize("model", ["stockmovement", "orderstock"])
def test_ledger_and_orders_are_read_only(olga, teapot, wants, model):
    services.deduct_stock(order_ids=[wants(TEAPOT=1)])
    row = {"stockmovement": StockMovement, "orderstock": OrderStock}[model].objects.first()
    assert olga.get(reverse(f"admin:inventory_{model}_changelist")).status_code == 200
    assert olga.get(reverse(f"admin:inventory_{model}_add")).status_code == 403
    change = reverse(f"admin:inventory_{model}_change", args=[row.pk])
    assert olga.get(change).status_code == 200
    assert olga.post(change, {"quantity": 9}).status_code == 403
    assert (
        olga.post(reverse(f"admin:inventory_{model}_delete", args=[row.pk]), {"post": "yes"}).status_code
        == 403
    )


def test_the_ledger_is_found_by_sku_and_by_order(olga, teapot, kettle, wants):
    order = wants(TEAPOT=1)
    services.deduct_stock(order_ids=[order])
    ledger = reverse("admin:inventory_stockmovement_changelist")
    for term, found in (("TEAPOT", 2), (str(order), 1), ("nonsense", 0)):
        assert len(olga.get(ledger, {"q": term}).context["cl"].result_list) == found


def test_the_history_of_a_product_says_what_was_before_and_why(olga, teapot):
    olga.post(page(teapot), edited(price="29.95", active="", reason="spring prices"))
    assert not Product.objects.get().active
    told = LogEntry.objects.get(object_id=str(teapot.pk)).get_change_message()
    assert told == "Changed price: 24.95 → 29.95, active: yes → no. Reason: spring prices"
    assert "spring prices" in olga.get(page(teapot, "history")).content.decode()
