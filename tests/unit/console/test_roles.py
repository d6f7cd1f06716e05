"""Groups of staff: made once by a migration, and described in the documentation."""

import re

import pytest
from django.contrib.auth.models import Group, Permission, User

from console.roles import ROLES, give, hand_over, make_groups
from dev.paths import ROOT
from tests.support.rights import permissions_named, staff_with

pytestmark = pytest.mark.django_db


def named(permissions):
    return {
        f"{app_label}.{codename}"
        for app_label, codename in permissions.values_list("content_type__app_label", "codename")
    }


@pytest.fixture
def no_permissions():
    """A database before Django has made permissions, as in the middle of a first migration."""
    Group.objects.all().delete()
    Permission.objects.all().delete()


def test_the_groups_are_made_before_django_makes_the_permissions(no_permissions):
    make_groups()
    assert {group.name: named(group.permissions) for group in Group.objects.all()} == {
        name: set(permissions) for name, permissions in ROLES.items()
    }


def test_making_the_groups_again_changes_none(no_permissions):
    make_groups()
    Group.objects.get(name="Finance").permissions.clear()
    make_groups()
    assert Group.objects.count() == len(ROLES)
    assert not Group.objects.get(name="Finance").permissions.exists()


def test_a_renamed_group_is_left_out_of_what_comes_later(no_permissions):
    make_groups()
    Group.objects.filter(name="Support").update(name="Kundendienst")
    give("Support", ["admin.view_logentry"])
    give("Finance", ["admin.view_logentry"])
    assert not Group.objects.filter(name="Support").exists()
    assert "admin.view_logentry" not in named(Group.objects.get(name="Kundendienst").permissions)
    assert "admin.view_logentry" in named(Group.objects.get(name="Finance").permissions)


def test_accounts_and_groups_keep_what_former_permissions_allowed():
    clerk, others = staff_with("orders.change_order"), Group.objects.create(name="Others")
    others.permissions.set(permissions_named("inventory.change_product"))
    hand_over()
    assert clerk.has_perms(["orders.cancel_order", "orders.resume_order"])
    assert "inventory.adjust_stock" in named(others.permissions)
    assert not User.objects.get(pk=clerk.pk).has_perm("inventory.adjust_stock")


def test_no_group_may_change_rights():
    for permissions in ROLES.values():
        assert not [name for name in permissions if re.match(r"auth\.(add|change|delete)", name)]


def test_the_auditor_reads_and_changes_nothing():
    assert {name.partition(".")[2].partition("_")[0] for name in ROLES["Auditor"]} == {"view"}


def test_the_table_of_the_documentation_shows_the_groups():
    rows = re.findall(r"^\| `([a-z_.]+)` +\|(.+)\|$", (ROOT / "docs" / "security.md").read_text(), re.M)
    documented = {name: [cell.strip() == "x" for cell in cells.split("|")] for name, cells in rows}
    every = sorted({name for permissions in ROLES.values() for name in permissions})
    assert documented == {name: [name in permissions for permissions in ROLES.values()] for name in every}
