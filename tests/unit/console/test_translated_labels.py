"""Labels of the admin: each one goes through gettext, which a made-up language shows."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import unfold
from django.contrib import admin
from django.contrib.admin.utils import label_for_field
from django.contrib.auth.models import Group, Permission, User
from django.test import RequestFactory
from django.utils import translation
from django.utils.translation import gettext, ngettext

from console.names_of_rights import permission_name, role_name
from console.roles import ROLES
from dev.catalogues import in_template
from shop.adminkit.labels import labelled_models, labels_of

#: Filters whose choices are names of code or of data.
_NAMES_OF_CODE = {"ConsumerFilter", "EventTypeFilter", "TagFilter"}


@pytest.fixture
def marked(monkeypatch):
    """Have every text that goes through gettext in angle quotes."""
    monkeypatch.setattr(translation._trans, "gettext", lambda text: f"«{text}»" if text else "")
    monkeypatch.setattr(translation._trans, "pgettext", lambda context, text: f"«{text}»")


@pytest.fixture
def request_of_admin():
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True)
    return request


def test_each_label_of_a_model_is_translated(marked):
    bare = {
        (model._meta.label, str(label))
        for model in labelled_models()
        for label in labels_of(model)
        if not str(label).startswith("«") and label not in dict(model._meta.permissions).values()
    }
    assert bare == set()


def test_each_text_of_a_model_admin_is_translated(marked, request_of_admin):
    bare = {
        (type(model_admin).__name__, str(text))
        for model_admin in _admins(request_of_admin)
        for text in _texts(model_admin, request_of_admin)
        if text and "«" not in str(text) and text != "ID"  # as Django names its own keys
    }
    assert bare == set()


@pytest.mark.django_db
def test_rights_are_named_in_german():
    with translation.override("de"):
        named = [permission_name(permission) for permission in _permissions()]
        assert not [name for name in named if " | Can " in name]
        assert "Bestellungen | Darf Bestellungen stornieren" in named
        assert {role_name(Group(name=name)) for name in ROLES} >= {"Lager", "Finanzen"}
        assert role_name(Group(name="Our own")) == "Our own"


def _permissions():
    labels = {model._meta.app_label for model in labelled_models()}
    return Permission.objects.filter(content_type__app_label__in=labels).select_related("content_type")


def _admins(request) -> Iterator:
    for model_admin in admin.site._registry.values():
        yield model_admin
        yield from model_admin.get_inline_instances(request)


def _texts(model_admin, request) -> Iterator:
    names = list(model_admin.get_readonly_fields(request, None))
    if hasattr(model_admin, "changelist_view"):
        names += model_admin.list_display
    for name in names:
        yield label_for_field(name, model_admin.model, model_admin)
    for title, options in model_admin.fieldsets or ():
        yield from (title, options.get("description"))
    yield model_admin.verbose_name_plural if hasattr(model_admin, "verbose_name_plural") else None
    yield getattr(model_admin, "search_help_text", None)
    yield from _choices(model_admin, request)


def _choices(model_admin, request) -> Iterator:
    if not hasattr(model_admin, "changelist_view"):
        return
    yield from (description for _, _, description in model_admin.get_actions(request).values())
    for wanted in model_admin.list_filter:
        if isinstance(wanted, type) and issubclass(wanted, admin.SimpleListFilter):
            yield wanted.title
            if wanted.__name__ not in _NAMES_OF_CODE:
                found = wanted(request, {}, model_admin.model, model_admin)
                yield from (label for _, label in found.lookup_choices)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="later Pythons have a later theme")
def test_texts_of_the_theme_are_german():
    """It brings no translations: those that Django has no German for are ours."""
    folder = Path(unfold.__file__).parent / "templates"
    texts = {
        text
        for path in folder.rglob("*.html")
        for text in in_template(path.read_text(encoding="utf-8"))
        if "%(" not in text and "\n" not in text and "auth/user" not in str(path)
    }
    assert len(texts) > 50
    with translation.override("de"):
        bare = {text for text in texts if text == gettext(text) == ngettext(text, text, 1)}
        assert bare <= {"Name", "System"}
