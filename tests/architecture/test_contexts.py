"""Rules for contexts, checked for every installed app: a new context is covered without a change here."""

import configparser
import importlib.util
import inspect
import re
from pathlib import Path

import pytest
from django.apps import AppConfig, apps
from django.conf import settings
from django.db.models import Field, Model

from shop.messaging.consuming import Consumer, consumers
from shop.messaging.contracts import Event, event_types, is_replaced

ROOT = Path(__file__).resolve().parents[2]
#: Apps of this project.
APPS = [config for config in apps.get_app_configs() if Path(config.path).is_relative_to(ROOT)
        and ".venv" not in Path(config.path).parts]  # fmt: skip
#: Apps with pages, which query and call all contexts.
USER_INTERFACES = {"console", "storefront"}
CONTEXTS = [
    config
    for config in APPS
    if not config.name.startswith(("shop.", "dev.")) and config.name not in USER_INTERFACES
]
MODELS = [model for config in APPS for model in config.get_models(include_auto_created=True)]
CONSUMERS = [consumer for consumer in consumers() if apps.is_installed(consumer.app)]
EVENTS = [event for event in event_types() if apps.is_installed(event.app)]
#: Without those from before, which their newest version's readers read.
NEWEST = [event for event in EVENTS if not is_replaced(event.type)]
FILES = sorted(path for config in APPS for path in Path(config.path).rglob("*.py"))


def test_the_contexts_are_those_of_the_settings():
    assert {config.name for config in CONTEXTS} == set(settings.CONTEXTS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_relation_crosses_an_app(model: type[Model]):
    for field in model._meta.get_fields():
        other = field.related_model
        if isinstance(field, Field) and other is not None:
            label = other._meta.app_label
            allowed = {model._meta.app_label} | (
                {"auth"} if model._meta.app_label in {"orders", "accounts"} else set()
            )
            assert label in allowed, f"{field} points into {label}: keep the plain id instead"


@pytest.mark.parametrize("config", CONTEXTS, ids=lambda config: config.label)
def test_every_context_has_its_rooms(config: AppConfig):
    for room in ("events", "consumers", "services", "queries", "models", "api", "urls", "admin"):
        assert importlib.util.find_spec(f"{config.name}.{room}"), f"{config.name} has no {room}.py"


@pytest.mark.parametrize("config", CONTEXTS, ids=lambda config: config.label)
def test_every_context_is_under_the_import_rules(config: AppConfig):
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    assert config.name in rules["importlinter"]["root_packages"].split()
    for contract, key, name in (
        ("contexts", "modules", config.name),
        ("layers", "containers", config.name),
        ("faces", "forbidden_modules", f"{config.name}.models"),
        ("acyclic", "ancestors", config.name),
    ):
        assert name in rules[f"importlinter:contract:{contract}"][key].split(), f"{contract}: add {name}"


@pytest.mark.parametrize("config", CONTEXTS, ids=lambda config: config.label)
def test_every_context_has_queues_of_its_own(config: AppConfig):
    assert config.name in settings.CELERY_TASK_QUEUES


@pytest.mark.parametrize("path", FILES, ids=str)
def test_no_model_is_fetched_by_name_across_apps(path: Path):
    assert not re.search(r"\bget_model\(", path.read_text()), f"{path} hides an import in a string"


@pytest.mark.parametrize("consumer", CONSUMERS, ids=lambda consumer: consumer.name)
def test_a_consumer_is_a_sentence_of_few_lines(consumer: Consumer):
    event = re.sub(r"(?<!^)(?=[A-Z])", "_", consumer.event.__name__).lower()
    function = consumer.name.split(".")[1]
    prefixes = (f"when_{event}_", f"when_{event.removeprefix('order_')}_")
    assert function.startswith(prefixes), f"name it when_{event}_..."
    assert consumer.handler.__doc__, "a consumer needs a docstring"
    body = inspect.getsource(consumer.handler).split(consumer.handler.__doc__)[1]
    assert len([line for line in body.splitlines() if line.strip(' "')]) <= 8, "a consumer calls one service"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_an_event_is_a_documented_fact_of_its_app(event: type[Event]):
    assert event.app in settings.CONTEXTS
    assert event.__module__ == f"{event.app}.events"
    assert event.__doc__
    assert not event.__name__.endswith("Event")


@pytest.mark.parametrize("event", NEWEST, ids=lambda event: event.type)
def test_every_event_that_is_sent_has_a_reader(event: type[Event]):
    assert event.logged_only != any(consumer.event is event for consumer in CONSUMERS)
