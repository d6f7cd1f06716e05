"""Every act of staff is in the journal, or in a trail of its own, by whichever door."""

import pytest

from tests.architecture.rights.admin_table import ACTIONS, ASKING, PAGES
from tests.architecture.rights.rest_table import ENDPOINTS
from tests.architecture.rights.test_admin import submit_action, submit_page
from tests.architecture.rights.test_rest import submit
from tests.architecture.rights.world import undone, writes

pytestmark = pytest.mark.django_db
#: Tables that tell who acted.
_TRAILS = ("django_admin_log", "messaging_deadletteraction")


def is_told(written: list[str]) -> bool:
    return any(table in sql for sql in written for table in _TRAILS)


@pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if e.method != "GET" and e.need != ((),)], ids=lambda e: e.name
)
def test_acts_over_the_rest_api_are_in_the_journal(world, endpoint):
    with undone(), writes() as written:
        submit(world, endpoint, world.with_permissions(endpoint.need[0]))
    assert is_told(written)


@pytest.mark.parametrize("page", [page for page in PAGES if page.acts], ids=lambda page: page.name)
def test_acts_on_pages_of_the_admin_are_in_the_journal(world, page):
    with undone(), writes() as written:
        submit_page(world, page, world.with_permissions(page.need[0]))
    assert is_told(written)


@pytest.mark.parametrize(("label", "action"), [key for key in ACTIONS if key not in ASKING])
def test_actions_of_the_admin_are_in_the_journal(world, label, action):
    with undone(), writes() as written:
        submit_action(world, label, action, world.with_permissions(ACTIONS[label, action][0]))
    assert is_told(written)
