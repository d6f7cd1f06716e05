"""Categories: kept by staff in the admin and by REST, with the history of their products."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import connection
from rest_framework.test import APIClient

from inventory import queries, services
from inventory.models import Category, Product
from shop import journal
from tests.support.rights import staff_with

pytestmark = pytest.mark.django_db

JSON = {"format": "json"}
CATEGORIES, PRODUCTS = "/api/v1/categories", "/api/v1/products"


@pytest.fixture
def tea(db) -> Category:
    return services.add_category(slug="tea", name="Tea", position=2)


@pytest.fixture
def kitchen(db) -> Category:
    return services.add_category(slug="kitchen", name="Kitchen", position=1)


@pytest.fixture
def keeper() -> APIClient:
    client = APIClient()
    rights = [f"{act}_{what}" for act in ("view", "add", "change") for what in ("product", "category")]
    client.force_authenticate(staff_with(*(f"inventory.{right}" for right in rights), username="kim"))
    return client


@pytest.fixture
def olga(client):
    client.force_login(User.objects.create_superuser("olga"))
    return client


def history(row: Product | Category, model: str = "product") -> list[str]:
    return [act.text for act in journal.acts_on("inventory", model, row.pk)]


# --- By REST ---


def test_everybody_reads_the_categories_in_their_order(anybody, tea, kitchen):
    found = anybody.get(CATEGORIES).json()["results"]
    assert [(one["slug"], one["name"]) for one in found] == [("kitchen", "Kitchen"), ("tea", "Tea")]
    assert anybody.get(found[1]["url"]).json() == found[1]
    first = anybody.get(CATEGORIES, {"page_size": 1}).json()
    assert [one["slug"] for one in anybody.get(first["next"]).json()["results"]] == ["tea"]


def test_staff_adds_and_renames_a_category(keeper):
    assert keeper.post(CATEGORIES, {"slug": "tea", "name": "Tea"}, **JSON).status_code == 201
    assert keeper.post(CATEGORIES, {"slug": "tea", "name": "Another"}, **JSON).status_code == 409
    seen = keeper.get(f"{CATEGORIES}/tea")["ETag"]
    change = {"name": "Tea and coffee", "position": 3}
    assert keeper.patch(f"{CATEGORIES}/tea", change, **JSON, headers={"If-Match": seen}).status_code == 200
    assert keeper.patch(f"{CATEGORIES}/tea", change, **JSON, headers={"If-Match": seen}).status_code == 412
    tea = Category.objects.get()
    assert (tea.name, tea.position) == ("Tea and coffee", 3)
    changed, added = sorted(history(tea, "category"), reverse=True)
    assert changed.startswith("Changed name: Tea → Tea and coffee, position: 0 → 3.")
    assert added.startswith("Added it.")


@pytest.mark.parametrize(
    "wrong",
    [{"slug": "Tea"}, {"slug": "t/a"}, {"slug": ""}, {"name": "\u200b"}, {"position": -1}, {"sku": "A"}],
)
def test_a_wrong_category_is_refused(keeper, wrong):
    assert keeper.post(CATEGORIES, {"slug": "tea", "name": "Tea", **wrong}, **JSON).status_code == 400
    assert not Category.objects.exists()


def test_a_product_moves_to_a_category_and_its_history_says_so(keeper, teapot, tea):
    seen = keeper.get(f"{PRODUCTS}/TEAPOT")
    assert seen.json()["category"] is None
    answer = keeper.patch(f"{PRODUCTS}/TEAPOT", {"category": "tea", "reason": "at last"}, **JSON)
    assert answer.json()["category"] == "tea"
    assert keeper.get(f"{PRODUCTS}/TEAPOT")["ETag"] != seen["ETag"]
    keeper.patch(f"{PRODUCTS}/TEAPOT", {"category": None}, **JSON)
    assert Product.objects.get().category_id is None
    back, there = sorted(history(teapot), reverse=True)
    assert there.startswith("Changed category: None → tea. Reason: at last")
    assert back.startswith("Changed category: tea → None.")


def test_a_product_of_an_unknown_category_is_refused(keeper, teapot):
    answer = keeper.patch(f"{PRODUCTS}/TEAPOT", {"category": "cups"}, **JSON)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["category"]
    cup = {"sku": "CUP", "name": "Cup", "price": {"amount": "4", "currency": "EUR"}, "category": "cups"}
    assert keeper.post(PRODUCTS, cup, **JSON).status_code == 400
    with pytest.raises(ValidationError, match="no category cups"):
        services.add_product(sku="CUP", name="Cup", price=4, category="cups")
    assert Product.objects.count() == 1


def test_products_are_filtered_by_category(anybody, keeper, kettle, tea):
    services.add_product(sku="OOLONG", name="Oolong", price=4, category="tea")
    shown = anybody.get(PRODUCTS, {"category": "tea"}).json()["results"]
    assert [(one["sku"], one["category"]) for one in shown] == [("OOLONG", "tea")]
    assert anybody.get(PRODUCTS, {"category": "cups"}).json()["results"] == []


# --- In the admin ---


def test_an_operator_chooses_the_category_and_the_history_says_so(olga, teapot, tea):
    form = {"name": "Teapot", "category": "tea", "price": "24.95", "active": "on", "reason": "at last"}
    assert olga.post(f"/admin/inventory/product/{teapot.pk}/change/", form).status_code == 302
    assert Product.objects.get().category_id == "tea"
    assert history(teapot) == ["Changed category: empty → tea. Reason: at last"]
    assert "Teapot" in olga.get("/admin/inventory/product/?category__slug__exact=tea").content.decode()


def test_a_new_product_is_in_the_chosen_category(olga, tea):
    form = {"sku": "CUP", "name": "Cup", "category": "tea", "price": "4", "currency": "EUR", "active": "on"}
    assert olga.post("/admin/inventory/product/add/", form | {"initial_stock": "3"}).status_code == 302
    assert Product.objects.get().category_id == "tea"


def test_a_category_with_products_is_not_deleted_and_the_page_names_them(olga, tea):
    for number in range(12):
        services.add_product(sku=f"T{number}", name=f"Tea {number}", price=4, category="tea")
    url = "/admin/inventory/category/tea/delete/"
    page = olga.post(url, {"post": "yes"}).content.decode()
    assert "Tea 0 (T0)" in page
    assert page.count("(T") == 10
    assert "move all of them to another category first" in page
    assert Category.objects.exists()
    Product.objects.update(category=None)
    assert olga.post(url, {"post": "yes"}).status_code == 302
    assert not Category.objects.exists()


def test_the_slug_of_a_category_never_changes(olga, tea):
    olga.post("/admin/inventory/category/tea/change/", {"slug": "cups", "name": "Teas", "position": "1"})
    assert [(one.slug, one.name) for one in Category.objects.all()] == [("tea", "Teas")]


# --- In the storefront's query ---


def test_a_category_without_products_on_sale_is_not_shown(tea, kitchen):
    services.add_product(sku="PAN", name="Pan", price=4, category="kitchen")
    services.add_product(sku="OLD", name="Old pot", price=4, category="tea", active=False)
    assert [one.slug for one in queries.categories()] == ["kitchen"]


def test_a_category_is_read_by_its_index(tea):
    made = (services.NewProduct(sku=f"P{n}", name=f"Name {n}", price=4) for n in range(3000))
    services.add_products(products=made)
    for n in range(100):
        services.add_product(sku=f"T{n}", name=f"Tea {n}", price=4, category="tea")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE inventory_product")
    on_sale = Product.objects.filter(category="tea", active=True).order_by("name", "sku")[:25]
    assert "product_by_category" in on_sale.explain()
