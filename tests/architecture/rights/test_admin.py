"""Every page, form and action of the admin, for every kind of visitor and each permission alone."""

from collections.abc import Iterator
from operator import attrgetter
from zlib import crc32

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import get_resolver, reverse

from tests.architecture.rights.admin_table import (
    ACTIONS,
    ASKING,
    EXCEPTIONS,
    MODELS,
    NOT_VISITED,
    PAGES,
    Page,
)
from tests.architecture.rights.needs import Need
from tests.architecture.rights.world import World, is_refused, registered, undone, visit, writes
from tests.faults.seeds import LONG

pytestmark = pytest.mark.django_db

STANDARD = ("changelist", "add", "change", "delete", "history")


def grants(need: Need, permissions) -> bool:
    return any(set(alternative) <= set(permissions) for alternative in need)


def interesting(world: World, need: Need, app_label: str) -> Iterator[frozenset[str]]:
    """Yield sets of permissions: none, all to read, each of the app alone, those needed, all but one of them.

    A permission of another app alone is among *all but one*. Without --long a page sees every third of those
    of its app alone, beginning at one of its own.
    """
    yield from (frozenset(), world.views)
    alone = [name for name in sorted(world.permissions) if name.startswith(f"{app_label}.")]
    yield from (frozenset({name}) for name in (alone if LONG else alone[crc32(str(need).encode()) % 3 :: 3]))
    yield from map(frozenset, need)
    yield from (world.permissions - {name} for name in {name for names in need for name in names})


def check(world: World, path: str, need: Need, app_label: str, data=None, acts=False) -> None:
    """Visit a page with all sets of permissions: no refusal has an effect, and each act has one."""
    assert is_refused(visit(None, path, data)), "nobody"
    assert is_refused(visit(world.bob, path, data)), "a customer"
    for permissions in interesting(world, need, app_label):
        with undone(), writes() as written:
            refused = is_refused(visit(world.with_permissions(permissions), path, data))
        told = f"{path} with {tell(world, permissions)}"
        assert refused is not grants(need, permissions), told
        assert not (refused and written), f"{told} was refused, but wrote {written}"
        assert not acts or refused or written, f"{told} had no effect"


def tell(world: World, permissions) -> str:
    return str(sorted(permissions) if len(permissions) < 9 else f"all but {world.permissions - permissions}")


# --- The table is complete ---------------------------------------------------------------------


def test_every_model_of_the_admin_is_in_the_table():
    assert {model._meta.label_lower for model in admin.site._registry} == set(MODELS)


def test_every_page_of_the_admin_is_in_the_table():
    of_models = {f"{label.replace('.', '_')}_{view}" for label in MODELS for view in STANDARD}
    patterns = [p for p in get_resolver().url_patterns if str(p.pattern).startswith("admin/")]
    found = set(names_in(patterns))
    assert found - of_models - NOT_VISITED == {page.name for page in PAGES}


def names_in(patterns) -> Iterator[str]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from names_in(pattern.url_patterns)
        elif pattern.name:
            yield pattern.name


def test_every_action_of_the_admin_is_in_the_table(world):
    request = RequestFactory().get("/")
    request.user = world.with_permissions((), superuser=True)
    found = {
        (label, action)
        for label in MODELS
        for action in registered(label)[1].get_actions(request)
        if action != "delete_selected"
    }
    assert found == set(ACTIONS)


# --- Lists, forms, history -----------------------------------------------------------------------


def need_of(label: str, view: str) -> Need:
    """Return what a page of Django's needs; who may change may view, as Django has it."""
    app_label, model = label.split(".")
    acts, name = MODELS[label].split(), f"{app_label}_{model}_{view}"
    if name in EXCEPTIONS:
        return EXCEPTIONS[name]
    wanted = ("view", "change") if view in {"changelist", "change", "history"} else (view,)
    return tuple((f"{app_label}.{act}_{model}",) for act in wanted if act in acts)


#: Pages of the console, which are no pages of a model.
OF_THE_CONSOLE = {
    "consumer",
    "doctor",
    "flow",
    "packing-slip",
    "packing-slip-pdf",
    "sales",
    "time-zone",
    "workers",
}


@pytest.mark.parametrize("view", STANDARD)
@pytest.mark.parametrize("label", MODELS)
def test_the_pages_of_a_model(world, label, view):
    model, _ = registered(label)
    arguments = [world.example_of(model).pk] if view not in {"changelist", "add"} else []
    path = reverse(f"admin:{label.replace('.', '_')}_{view}", args=arguments)
    check(world, path, need_of(label, view), label.partition(".")[0])


@pytest.mark.parametrize("view", ["add", "change", "delete"])
@pytest.mark.parametrize("label", MODELS)
def test_the_forms_of_a_model(world, label, view):
    model, _ = registered(label)
    arguments = [world.example_of(model).pk] if view != "add" else []
    path = reverse(f"admin:{label.replace('.', '_')}_{view}", args=arguments)
    app_label, name = label.split(".")
    standard: Need = ((f"{app_label}.{view}_{name}",),) if view in MODELS[label].split() else ()
    page = f"{app_label}_{name}_{view}"
    need = EXCEPTIONS.get(f"{page} form") or EXCEPTIONS.get(page) or standard
    check(world, path, need, app_label, data={"post": "yes"} if view == "delete" else {})


# --- Pages and actions of our own ------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.name}{'' if page.data is None else ' form'}")
def test_the_pages_of_our_own(world, page: Page):
    path = path_of(world, page)
    check(world, path, page.need, path.split("/")[2], page.data, page.acts)


def path_of(world: World, page: Page) -> str:
    arguments = {name: attrgetter(path)(world) for name, path in page.arguments.items()}
    return (
        reverse(page.name if page.name in OF_THE_CONSOLE else f"admin:{page.name}", kwargs=arguments)
        + page.query
    )


def submit_page(world: World, page: Page, user) -> HttpResponse:
    return visit(user, path_of(world, page), page.data)


@pytest.mark.parametrize(("label", "action"), ACTIONS)
def test_the_actions_of_a_list(world, label, action):
    model_admin = registered(label)[1]
    need = ACTIONS[label, action]
    for permissions in interesting(world, need, label.partition(".")[0]):
        user = world.with_permissions(permissions)
        with undone(), writes() as written:
            response = submit_action(world, label, action, user)
        offered = not is_refused(response) and action in offered_actions(model_admin, user)
        may = grants(need, permissions)
        told = f"{action} with {tell(world, permissions)}"
        assert offered is may, told
        assert bool(written) is (may and (label, action) not in ASKING), f"{told} wrote {written}"


def submit_action(world: World, label: str, action: str, user) -> HttpResponse:
    model = registered(label)[0]
    stopped = {
        ("orders.order", "resume_selected"): world.waiting,
        ("orders.order", "settle_selected"): world.held_up,
        ("integrations.endpoint", "resume"): world.paused_hook,
    }
    chosen = stopped.get((label, action)) or world.example_of(model)
    path = reverse(f"admin:{label.replace('.', '_')}_changelist")
    data = {"action": action, ACTION_CHECKBOX_NAME: [str(chosen.pk)], "confirmed": "yes", "reason": "agreed"}
    return visit(user, path, data)


def offered_actions(model_admin, user) -> set[str]:
    request = RequestFactory().get("/")
    request.user = user
    return {name for name, _ in model_admin.get_action_choices(request)}


@pytest.mark.parametrize("label", [label for label in MODELS if label != "auth.user"])
def test_rows_are_deleted_in_bulk_by_who_may_delete_them(world, label):
    model, _ = registered(label)
    chosen = world.example_of(model)
    path = reverse(f"admin:{label.replace('.', '_')}_changelist")
    data = {"action": "delete_selected", ACTION_CHECKBOX_NAME: [str(chosen.pk)], "post": "yes"}
    app_label, name = label.split(".")
    readers = {f"{app_label}.view_{name}", f"{app_label}.delete_{name}"}
    may = "delete" in MODELS[label].split() or f"{app_label}_{name}_delete" in EXCEPTIONS
    without = world.permissions - {f"{app_label}.delete_{name}"}
    for permissions in (world.views, readers, without):
        with undone(), writes() as written:
            visit(world.with_permissions(permissions), path, data)
        assert bool(written) is (may and readers <= set(permissions)), permissions


# --- Rights themselves --------------------------------------------------------------------------


def test_who_may_change_accounts_cannot_take_rights(world):
    clerk = world.with_permissions(world.permissions)
    form = {
        "username": "bob",
        "is_staff": "on",
        "is_superuser": "on",
        "is_active": "on",
        "first_name": "Robert",
    }
    form |= {"groups": [str(world.example_of(admin.site._registry and registered("auth.group")[0]).pk)]}
    form |= {"date_joined_0": "2026-11-28", "date_joined_1": "10:00:00"}
    visit(clerk, reverse("admin:auth_user_change", args=[world.bob.pk]), form)
    world.bob.refresh_from_db()
    assert world.bob.first_name == "Robert"
    assert (world.bob.is_staff, world.bob.is_superuser, world.bob.groups.exists()) == (False, False, False)


@pytest.mark.parametrize("view", ["change", "delete", "password_change"])
def test_accounts_of_staff_are_left_to_superusers(world, view):
    name = "auth_user_password_change" if view == "password_change" else f"auth_user_{view}"
    path = reverse(f"admin:{name}", args=[world.staff.pk])
    assert is_refused(visit(world.with_permissions(world.permissions), path, {"post": "yes"}))
    assert not is_refused(visit(world.with_permissions((), superuser=True), path))


def test_staff_is_not_deleted_in_bulk_with_others(world):
    data = {"action": "delete_selected", ACTION_CHECKBOX_NAME: [str(world.staff.pk)], "post": "yes"}
    with writes() as written:
        visit(world.with_permissions(world.permissions), reverse("admin:auth_user_changelist"), data)
    assert not written


def test_groups_are_changed_by_superusers_alone(world):
    group = world.example_of(registered("auth.group")[0])
    path = reverse("admin:auth_group_change", args=[group.pk])
    assert is_refused(visit(world.with_permissions(world.permissions), path, {"name": "Mine"}))
    assert not is_refused(visit(world.with_permissions((), superuser=True), path, {"name": "Mine"}))
