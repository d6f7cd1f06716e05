"""Pages offer what their visitor may do and read, and nothing else: no link, button, form or panel."""

import re
from collections import deque
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.urls import resolve, reverse

from console.roles import ROLES
from tests.architecture.rights.offers_table import OFFERS
from tests.architecture.rights.test_admin import grants
from tests.architecture.rights.world import World, is_refused, undone, visit

pytestmark = pytest.mark.django_db
_LINK = re.compile(r'<a [^>]*?href="([^"]*)"')
_FORM = re.compile(r"(<form\b[^>]*>)(.*?)</form>", re.S)
_ACTION = re.compile(r'action="([^"]+)"')
_BUTTON = re.compile(r'type="submit"|<button')
#: Pages of the account that every member of staff has.
_OWN = {"logout", "password_change", "password_change_done", "jsi18n", "login"}


def html_of(user, path: str) -> str:
    response = visit(user, path)
    if is_refused(response) or response.status_code != 200 or "html" not in response["Content-Type"]:
        return ""
    if hasattr(response, "render") and not response.is_rendered:
        response.render()
    return response.content.decode()


def page_of(world: World, name: str) -> str:
    example = getattr(world, name)
    return reverse(f"admin:{example._meta.app_label}_{example._meta.model_name}_change", args=[example.pk])


@pytest.mark.parametrize(("page", "text", "need"), OFFERS)
def test_a_page_shows_what_its_visitor_may(world, page, text, need):
    path = page_of(world, page)
    names = {name for alternative in need for name in alternative}
    without = [world.permissions - {name} for name in names]
    for permissions in (*map(frozenset, need), world.permissions, world.views, *without):
        shown = text in html_of(world.with_permissions(permissions), path)
        assert shown is grants(need, permissions), f"{text} without {world.permissions - permissions}"


@pytest.mark.parametrize("who", ["nobody", *ROLES])
def test_no_page_offers_what_is_refused(world, who):
    permissions = ROLES.get(who, ())
    user = world.with_permissions(permissions)
    opened = {reverse("admin:index")}
    queue, seen = deque(opened), set()
    while queue:
        path = queue.popleft()
        html = html_of(user, path)
        links, forms = offered(html, path)
        for link in links - opened:
            opened.add(link)
            if (kind := kind_of(link)) and kind not in seen:
                seen.add(kind)
                assert not is_refused(visit(user, link)), f"{path} links to {link}"
                queue.append(link)
        for form in forms:
            with undone():
                assert not is_refused(visit(user, form, {})), f"{path} has a form for {form}"
    assert len(seen) >= len(permissions) // 3, f"only {seen} of {who}"


def offered(html: str, path: str) -> tuple[set[str], set[str]]:
    """Return the targets of links and of forms of a page, within the admin."""
    links = {absolute(unescape(link), path) for link in _LINK.findall(html)}
    tags = [tag for tag, content in _FORM.findall(html) if _BUTTON.search(content)]
    forms = {absolute(unescape((_ACTION.findall(tag) or [path])[0]), path) for tag in tags}
    return {link for link in links if inside(link)}, {form for form in forms if inside(form)}


def absolute(link: str, path: str) -> str:
    target = urlsplit(link)
    if not target.path:
        return urlsplit(path)._replace(query=target.query).geturl()
    if target.path.startswith("/"):
        return target._replace(fragment="").geturl()
    return target._replace(path=urlsplit(path).path + target.path, fragment="").geturl()


def inside(link: str) -> bool:
    return link.startswith("/admin/") and (resolve(urlsplit(link).path).url_name or "") not in _OWN


def kind_of(link: str) -> str:
    match = resolve(urlsplit(link).path)
    return f"{match.url_name} {sorted(match.kwargs)}" if match.url_name else ""
