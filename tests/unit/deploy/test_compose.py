"""deploy/compose.yaml, its example of an environment, and the image's files."""

import re
import subprocess
from pathlib import Path

import pytest

from dev.paths import ROOT
from shop import settings
from shop.settings import CONTEXTS
from tests.unit.deploy.manifests import COMPOSE, DEPLOY, ENTRYPOINT, ROLES, secrets, shop_services, variables

CONTAINERFILE = (DEPLOY / "Containerfile").read_text()
SECRETS = re.compile(r"(?<!PUBLIC_)(KEY|KEYS|SECRET|SECRETS|PASSWORD|TOKEN)$")
#: Secrets that a deployment sets only beside the manifests, and why.
ELSEWHERE = {
    "SHOP_BROKER_KEY": "a path of a file",
    "EMAIL_HOST_PASSWORD": "of a real mail server, in the place of compose's own",
}


def seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


def test_a_service_runs_each_role_and_each_context_and_no_other():
    services = shop_services()
    long = {tuple(one["command"]) for one in services.values() if one["restart"] != "no"}
    assert long == ROLES
    assert [one["command"] for one in services.values() if one["restart"] == "no"] == [["migrate"]]


@pytest.mark.parametrize("name", shop_services())
def test_services_are_not_root_and_write_nowhere_but_to_their_volumes(name):
    service = shop_services()[name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_every_service_that_stays_has_a_health_check_and_time_to_stop():
    for name, service in COMPOSE["services"].items():
        if name == "migrate":
            continue
        assert service["healthcheck"]["test"][0] == "CMD"
        role = service.get("command", [""])[0]
        if role in {"relay", "worker"}:
            assert seconds(service["stop_grace_period"]) > settings.CELERY_TASK_TIME_LIMIT + 15
        if role == "web":
            assert seconds(service["stop_grace_period"]) > settings.SHOP_VIEW_TIMEOUT.total_seconds()


def test_compose_sets_no_variable_that_nothing_reads():
    known = variables()
    for service in shop_services().values():
        assert service["environment"].keys() <= known


def test_no_secret_has_a_default_value():
    text = (DEPLOY / "compose.yaml").read_text()
    used = dict(re.findall(r"\$\{(\w+)(:?[-?])?", text))
    optional = {name for name in used if used[name] == ":-" and f"{name}:-}}" in text}
    for name, operator in used.items():
        if SECRETS.search(name):
            assert operator == ":?" or name in optional, f"{name} has a default value"


def test_every_secret_of_the_settings_is_passed_on():
    """A new one belongs into compose.yaml and kubernetes/base/secrets.example.yaml, or into ELSEWHERE."""
    read = {name for name in variables() if SECRETS.search(name)} - ELSEWHERE.keys()
    read |= {"DATABASE_URL", "CELERY_BROKER_URL"}
    for_compose = set(shop_services()["web"]["environment"])
    assert read - for_compose == set()
    assert read - secrets()["shop-secrets"] == set()


def test_only_the_migration_gets_the_owners_password():
    with_owner = {
        name
        for name, service in shop_services().items()
        if "SHOP_ADMIN_DATABASE_URL" in service["environment"] or "OWNER" in str(service)
    }
    assert with_owner == {"migrate"}


def test_the_example_has_no_secrets_and_the_script_makes_all_that_are_required(tmp_path: Path):
    example = (DEPLOY / "env.example").read_text()
    assert re.findall(r"^(\w*(?:PASSWORD|KEY|KEYS))=.+$", example, re.MULTILINE) == []

    made = subprocess.run([DEPLOY / "make-env.sh"], capture_output=True, text=True, check=True).stdout
    lines = dict(re.findall(r"^(\w+)=(.*)$", made, re.MULTILINE))
    required = set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
    assert {name for name in required if not lines.get(name)} == {"DJANGO_ALLOWED_HOSTS"}
    random = [lines[name] for name in required if SECRETS.search(name)]
    assert all(len(value) >= 50 for value in random)  # Django's own limit
    assert len(set(random)) == len(random)


def test_the_image_is_not_root_and_has_the_product_alone():
    assert re.search(r"^USER 10001:10001$", CONTAINERFILE, re.MULTILINE)
    assert CONTAINERFILE.count("FROM ${BASE}") == 2
    assert "--require-hashes" in CONTAINERFILE
    kept = {line[1:] for line in (ROOT / ".containerignore").read_text().splitlines() if line.startswith("!")}
    product = {"shop", "console", "storefront", *CONTEXTS, "manage.py", "LICENSE"}
    assert kept == {*product, "requirements*.txt", "deploy/entrypoint.sh"}


def test_the_entry_point_knows_every_role_and_refuses_others():
    roles = {role for role, *_ in ROLES} | {
        "migrate",
        "await-migrations",
        "manage",
        "alive",
        "probe",
        "ready",
    }
    assert {role for role in roles if not re.search(rf"^{role}\)", ENTRYPOINT, re.MULTILINE)} == set()
    for arguments in ([], ["wrong"], ["worker"]):
        done = subprocess.run([DEPLOY / "entrypoint.sh", *arguments], capture_output=True, check=False)
        assert done.returncode == 2
        assert b"usage: " in done.stderr
