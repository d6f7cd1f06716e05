"""Labels of models in the reader's language: their names, and those, help texts and choices of their fields.

Django derives most of them from the names of classes, attributes and members. So each label is a message
without being marked, and a new field needs nothing but its translation. Migrations see the English ones.
"""

from collections.abc import Iterable, Iterator

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models import Field, Model
from django.utils.translation import gettext_lazy, override
from django_stubs_ext import StrOrPromise

#: Apps of others whose pages the admin shows, and that bring no translations of their own.
_OF_OTHERS = ("django_celery_results", "otp_totp")


def translate_labels() -> None:
    """Make all labels of models lazy messages. Call it once, when all models are loaded."""
    with override("en"):
        for config in filter(_is_ours, apps.get_app_configs()):
            config.verbose_name = gettext_lazy(str(config.verbose_name))
        for model in labelled_models():
            options = model._meta
            options.verbose_name_plural = gettext_lazy(str(options.verbose_name_plural))
            options.verbose_name = _message(str(options.verbose_name))
            for field in fields_of(model):
                field.verbose_name = _message(field.verbose_name)
                field.help_text = _message(field.help_text)
                if field.choices:
                    field.choices = [(value, _message(label)) for value, label in field.flatchoices]


def labelled_models() -> Iterator[type[Model]]:
    """Yield the models whose labels the catalogue translates."""
    for config in apps.get_app_configs():
        if _is_ours(config) or config.label in _OF_OTHERS:
            yield from config.get_models()


def app_names() -> set[str]:
    """Return the names of the apps, as breadcrumbs show them."""
    return {str(config.verbose_name) for config in apps.get_app_configs() if _is_ours(config)}


def fields_of(model: type[Model]) -> Iterable["Field[object, object]"]:
    """Return the fields that a model has itself."""
    return [*model._meta.local_fields, *model._meta.local_many_to_many]


def labels_of(model: type[Model]) -> Iterator[StrOrPromise]:
    """Yield all labels of a model."""
    yield from (model._meta.verbose_name or "", model._meta.verbose_name_plural or "")
    yield from (name for _, name in model._meta.permissions)
    for field in fields_of(model):
        yield from filter(None, (field.verbose_name, field.help_text))
        yield from (label for _, label in field.flatchoices or () if not isinstance(label, int))


def _is_ours(config: AppConfig) -> bool:
    return config.name.split(".")[0] in ("shop", "console", "storefront", *settings.CONTEXTS)


def _message(text: StrOrPromise) -> StrOrPromise:
    return gettext_lazy(text) if text and isinstance(text, str) else text
