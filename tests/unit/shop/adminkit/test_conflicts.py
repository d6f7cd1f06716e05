"""Two operators with the same form open: no one takes back what the other has done."""

from html import unescape

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import get_resolver, reverse

from integrations.models import Endpoint
from inventory import services as inventory
from inventory.models import Category, Product
from payments.models import GatewayFault
from shipping.models import CarrierFault
from shop.adminkit.conflicts import ConflictAware
from tests.architecture.rights.world import make_endpoints
from tests.support.forms import fields_of

pytestmark = pytest.mark.django_db

#: Editable model -> a maker, a field, and two values for it: the other operator's and this one's.
EDITABLE = {
    Product: (lambda: inventory.add_product(sku="MUG", name="Mug", price="14.90"), "price", "9.90", "12.00"),
    Category: (lambda: inventory.add_category(slug="tea", name="Tea"), "name", "Teas", "Tea and coffee"),
    User: (lambda: User.objects.create_user("ada", first_name="Ada"), "first_name", "Augusta", "Adele"),
    Group: (lambda: Group.objects.create(name="Packers"), "name", "Porters", "Pickers"),
    Endpoint: (lambda: make_endpoints()[0], "contact", "till@example.com", "it@example.com"),
    GatewayFault: (lambda: GatewayFault.objects.create(kind="slow", seconds=1.0), "seconds", "3.0", "5.0"),
    CarrierFault: (lambda: CarrierFault.objects.create(kind="slow", seconds=1.0), "seconds", "3.0", "5.0"),
}
#: Pages of packages, whose fields are all read-only.
READ_ONLY = {"django_celery_results.TaskResult", "django_celery_results.GroupResult"}


@pytest.fixture
def olga(client):
    client.force_login(User.objects.create_superuser("olga"))
    return client


def page(thing):
    return reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])


def save(client, thing, opened, **changes):
    return client.post(page(thing), opened | changes)


def test_every_editable_form_of_the_admin_is_aware_of_conflicts(rf):
    request = rf.get("/")
    request.user = User.objects.create_superuser("olga")
    editable = {m: a for m, a in admin.site._registry.items() if a.has_change_permission(request)}
    assert {m for m, a in editable.items() if m._meta.label not in READ_ONLY} == set(EDITABLE)
    assert all(isinstance(editable[model], ConflictAware) for model in EDITABLE)


@pytest.mark.parametrize("model", EDITABLE, ids=lambda model: model._meta.label)
def test_a_field_that_both_changed_is_a_conflict_that_says_what_changed(olga, model):
    make, field, theirs, ours = EDITABLE[model]
    thing = make()
    before, opened = getattr(thing, field), fields_of(olga.get(page(thing)))
    assert save(olga, thing, opened, **{field: theirs}).status_code == 302
    answer = save(olga, thing, opened, **{field: ours})
    text = unescape(answer.content.decode())
    assert answer.status_code == 200
    assert f"This was “{before}”" in text, text
    assert f"is “{theirs}” now" in text, text
    assert str(getattr(model.objects.get(pk=thing.pk), field)) == theirs


@pytest.mark.parametrize("model", EDITABLE, ids=lambda model: model._meta.label)
def test_an_older_form_leaves_what_it_has_not_changed(olga, model):
    make, field, theirs, _ = EDITABLE[model]
    thing = make()
    opened = fields_of(olga.get(page(thing)))
    assert save(olga, thing, opened, **{field: theirs}).status_code == 302
    assert save(olga, thing, opened).status_code == 302
    assert str(getattr(model.objects.get(pk=thing.pk), field)) == theirs


def test_a_description_of_an_older_form_brings_back_neither_price_nor_sale(olga):
    mug = inventory.add_product(sku="MUG", name="Mug", price="14.90")
    opened = fields_of(olga.get(page(mug)))
    first = {name: value for name, value in opened.items() if name != "active"}
    assert save(olga, mug, first, price="12.90").status_code == 302
    assert save(olga, mug, opened, description="Holds tea").status_code == 302
    mug.refresh_from_db()
    assert (str(mug.price), mug.active, mug.description) == ("12.90", False, "Holds tea")


def test_two_operators_who_write_the_same_are_in_no_conflict(olga):
    mug = inventory.add_product(sku="MUG", name="Mug", price="14.90")
    opened = fields_of(olga.get(page(mug)))
    assert save(olga, mug, opened, price="12.90").status_code == 302
    assert save(olga, mug, opened, price="12.9").status_code == 302


def test_rights_that_another_superuser_took_back_stay_taken(olga):
    ada = User.objects.create_user("ada", is_staff=True)
    packers, porters = Group.objects.create(name="Packers"), Group.objects.create(name="Porters")
    ada.groups.set([packers, porters])
    opened = fields_of(olga.get(page(ada)))
    assert save(olga, ada, opened, groups=[str(packers.pk)]).status_code == 302
    assert save(olga, ada, opened, first_name="Ada").status_code == 302
    assert list(ada.groups.all()) == [packers]
    assert User.objects.get(pk=ada.pk).first_name == "Ada"
    late = save(olga, ada, opened, groups=[])
    assert (late.status_code, list(ada.groups.all())) == (200, [packers])


@pytest.mark.parametrize("model", EDITABLE)
def test_what_is_compared_stays_locked_until_it_is_written(olga, model):
    make, field, theirs, _ = EDITABLE[model]
    thing = make()
    opened = fields_of(olga.get(page(thing)))
    with CaptureQueriesContext(connection) as statements:
        assert save(olga, thing, opened, **{field: theirs}).status_code == 302
    texts = [statement["sql"] for statement in statements]
    table = model._meta.db_table
    (locked, *_) = [n for n, sql in enumerate(texts) if f'FROM "{table}"' in sql and "FOR UPDATE" in sql]
    assert any(sql.startswith(f'UPDATE "{table}"') for sql in texts[locked:])


def test_the_conflict_is_decided_by_a_form_that_is_opened_again(olga):
    mug = inventory.add_product(sku="MUG", name="Mug", price="14.90")
    opened = fields_of(olga.get(page(mug)))
    save(olga, mug, opened, price="12.90")
    assert save(olga, mug, opened, price="10.00").status_code == 200
    assert save(olga, mug, fields_of(olga.get(page(mug))), price="10.00").status_code == 302
    assert str(Product.objects.get().price) == "10.00"


def test_no_resource_of_the_rest_api_is_edited_as_a_whole():
    """Acts take If-Match where they decide on a state; PUT and PATCH would have to require it.

    PATCH changes the fields that it is given, and takes If-Match as acts do.
    """
    methods = {
        (name, method)
        for name, view in _api_views()
        for method in getattr(view, "http_method_names", ())
        if method in {"put", "patch"} and hasattr(view, method)
    }
    changeable = {"webhook-endpoints/<uuid:pk>", "products/<str:sku>", "categories/<str:slug>"}
    assert methods == {(name, "patch") for name in changeable}


def _api_views(patterns=None):
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _api_views(pattern.url_patterns)
        elif view := getattr(pattern.callback, "cls", None):
            yield str(pattern.pattern), view
