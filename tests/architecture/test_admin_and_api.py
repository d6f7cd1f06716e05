"""Admin and API of all installed apps: every model is registered, and the OpenAPI document is valid."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import Model
from django.urls import reverse
from django_celery_results.models import TaskResult

from integrations.models import TakenUp
from shop.messaging.models import DeadLetter, EventRecord, OutboxEntry
from tests.architecture.test_contexts import MODELS

REGISTERED = [model for model in MODELS if admin.site.is_registered(model)] + [TaskResult]
INLINES = {
    inline.model
    for model in apps.get_models()
    if admin.site.is_registered(model)
    for inline in admin.site.get_model_admin(model).inlines
}
#: Money, event log and messages: read-only in the admin.
READ_ONLY = [
    model
    for model in MODELS
    if model in {EventRecord, OutboxEntry, DeadLetter}
    or (model._meta.app_label in {"payments", "notifications"} and "Fault" not in model.__name__)
]


#: Rows that tell nobody anything: what follows from a position is a metric.
INTERNAL = {TakenUp}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_is_in_the_admin(model: type[Model]):
    assert model in {*REGISTERED, *INLINES, *INTERNAL}, f"{model._meta.label} is not in the admin"


@pytest.fixture
def operator(client, django_user_model):
    user = get_user_model().objects.create_superuser("olga", "olga@example.com", "correct horse battery")
    client.force_login(user)
    return client


@pytest.mark.django_db
@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_every_list_opens_and_can_be_searched(operator, model: type[Model]):
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    assert operator.get(url).status_code == 200
    if admin.site.get_model_admin(model).search_fields:
        response = operator.get(url, {"q": "0199b1d0-0000-7000-8000-000000000001"})
        assert response.status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model", [model for model in READ_ONLY if model in REGISTERED], ids=lambda model: model._meta.label
)
def test_money_log_and_messages_are_read_only(rf, django_user_model, model: type[Model]):
    request = rf.get("/admin/")
    request.user = django_user_model(is_superuser=True, is_staff=True, is_active=True)
    model_admin = admin.site.get_model_admin(model)
    assert not model_admin.has_add_permission(request)
    assert not model_admin.has_delete_permission(request)
    fields = {field.name for field in model._meta.get_fields() if getattr(field, "editable", False)}
    writable = fields - set(model_admin.get_readonly_fields(request, None))
    assert not model_admin.has_change_permission(request) or not writable


@pytest.mark.django_db
def test_the_openapi_document_is_valid_and_without_warnings(tmp_path):
    file = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(file))
    assert "openapi: 3.1.0" in file.read_text()
