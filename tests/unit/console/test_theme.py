"""The admin's pages come with what they are made of: no page loads or evaluates anything else."""

import hashlib
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders

#: Alpine 3.17.4 as published on npm (@alpinejs/csp, dist/cdn.min.js), under the MIT licence.
ALPINE = "0d18d7f8d7910e2e0212f0f056b12f50bebc3abb7d88d2f7c7cb4c336fe4519a"


def test_alpine_is_the_published_build():
    path = finders.find("console/alpine/alpine-csp-3.17.4.min.js")
    assert path
    assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == ALPINE
    assert "MIT" in Path(path).with_name("LICENSE").read_text()


@pytest.mark.django_db
def test_pages_have_no_inline_style_and_no_inline_script(client):
    client.force_login(User.objects.create_superuser("olga", "olga@example.com", "correct horse"))
    for path in ("/admin/", "/admin/orders/order/", "/admin/inventory/product/add/", "/admin/doctor/"):
        page = client.get(path).content.decode()
        assert "<style" not in page
        assert ' style="' not in page
        assert "<script>" not in page


def test_each_list_has_a_choice_of_actions_that_lets_them_run():
    forms = {type(one).__name__: one.action_form for one in admin.site._registry.values() if one.actions}
    assert forms
    for name, form in forms.items():
        choice = str(form()["action"])
        assert 'x-model="action"' in choice, f"{name}: the button stays hidden"
        assert "aria-label" in choice, name
