"""Alerts: tried by Prometheus's own tool, on metrics that exist, each with a section in the runbook."""

import re
import shutil
import subprocess

import pytest
import yaml

from dev.paths import ROOT
from shop.metrics.families import FAMILIES
from tests.support.servers import in_ci

FOLDER = ROOT / "deploy" / "prometheus"
RULES = yaml.safe_load((FOLDER / "shop.rules.yml").read_text())["groups"][0]["rules"]
SUFFIXES = re.compile(r"_(bucket|count|sum)$")


@pytest.fixture
def promtool() -> str:
    """Path of promtool. Without one the test is skipped; in CI it fails."""
    if not (path := shutil.which("promtool")):
        (pytest.fail if in_ci() else pytest.skip)("There is no promtool: apt-get install prometheus")
    return path


def test_each_alert_fires_when_it_should_and_not_otherwise(promtool):
    done = subprocess.run(
        [promtool, "test", "rules", "shop.rules.test.yml"], cwd=FOLDER, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tried = (FOLDER / "shop.rules.test.yml").read_text()
    for rule in RULES:
        assert f"name: {rule['alert']} fires" in tried
        assert f"name: {rule['alert']} does not fire" in tried


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_that_exist_and_leads_to_the_runbook(rule):
    known = {family.name for family in FAMILIES}
    asked = set(re.findall(r"\b((?:shop|messaging|http_server)_\w+)", rule["expr"]))
    assert asked
    assert {name for name in asked if name not in known and SUFFIXES.sub("", name) not in known} == set()
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^### (\w+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor in {heading.lower() for heading in headings}
