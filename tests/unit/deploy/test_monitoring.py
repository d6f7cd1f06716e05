"""Metrics and traces in deploy/: port, policies, scraping, and the packages of the image."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.paths import ROOT
from tests.support.servers import in_ci
from tests.unit.deploy.manifests import COMPOSE, DEPLOY, METRICS, ROLES, TRACING, documents, shop_services
from tests.unit.deploy.test_kubernetes import check

PORT = 9464
SCRAPING = yaml.safe_load((DEPLOY / "compose" / "prometheus.yml").read_text())
PAGE = (ROOT / "docs" / "deployment.md").read_text()


def component(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "kustomization.yaml").read_text())


def built(overlay: Path, *components: Path) -> list[dict[str, Any]]:
    """Return what Kustomize builds of the base with components."""
    if not shutil.which("kubectl"):
        (pytest.fail if in_ci() else pytest.skip)("There is no kubectl, whose kustomize builds them.")
    shutil.copytree(DEPLOY / "kubernetes", overlay / "kubernetes")
    names = [f"kubernetes/{one.name}" for one in components]
    text = yaml.safe_dump({"resources": ["kubernetes/base"], "components": names})
    (overlay / "kustomization.yaml").write_text(text)
    argv = ["kubectl", "kustomize", str(overlay)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


def test_with_the_components_each_pod_exposes_metrics_and_prometheus_alone_reaches_them(tmp_path: Path):
    resources = built(tmp_path, METRICS, TRACING)
    for one in resources:
        check(one)
    settings = next(one["data"] for one in resources if one["kind"] == "ConfigMap")
    assert settings["SHOP_METRICS"] == f"0.0.0.0:{PORT}"
    assert settings["OTEL_EXPORTER_OTLP_ENDPOINT"].startswith("http")
    assert settings["DJANGO_HTTPS"] == "1", "the settings of the base are kept"
    [monitor] = [one for one in resources if one["kind"] == "PodMonitor"]
    [endpoint] = monitor["spec"]["podMetricsEndpoints"]
    deployments = [one for one in resources if one["kind"] == "Deployment"]
    assert len(deployments) == len(ROLES)
    for deployment in deployments:
        template = deployment["spec"]["template"]
        ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
        assert ports[endpoint["port"]] == PORT
        labels = template["metadata"]["labels"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= labels.items()
        [relabeling] = endpoint["relabelings"]
        assert re.fullmatch(relabeling["regex"], labels["app.kubernetes.io/name"])
    assert {one["metadata"].get("namespace") for one in resources} == {"shop", None}


@pytest.mark.parametrize(
    ("folder", "direction", "port"), [(METRICS, "ingress", PORT), (TRACING, "egress", 4318)]
)
def test_a_component_opens_one_port_to_one_namespace(folder: Path, direction: str, port: int):
    [policy] = [one["spec"] for one in documents(folder) if one["kind"] == "NetworkPolicy"]
    [rule] = policy[direction]
    [peer] = rule["from" if direction == "ingress" else "to"]
    assert set(peer["namespaceSelector"]["matchLabels"]) == {"kubernetes.io/metadata.name"}
    assert rule["ports"] == [{"protocol": "TCP", "port": port}]
    assert policy["policyTypes"] == [direction.capitalize()]


@pytest.mark.parametrize("extra", ["metrics", "tracing"])
def test_the_image_can_have_the_packages_and_the_page_says_so(extra: str):
    assert (ROOT / f"requirements-{extra}.txt").exists()
    assert f"requirements-{extra}.txt" not in (ROOT / ".containerignore").read_text()
    assert re.search(rf'EXTRAS="[a-z ]*{extra}', PAGE)


def test_neither_metrics_nor_traces_are_on_unless_asked_for():
    assert "SHOP_METRICS" not in (DEPLOY / "kubernetes" / "base" / "settings.env").read_text()
    for service in shop_services().values():
        assert service["environment"]["SHOP_METRICS"] == "${SHOP_METRICS:-}"
        assert service["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "${OTEL_EXPORTER_OTLP_ENDPOINT:-}"
    assert COMPOSE["services"]["prometheus"]["profiles"] == ["monitoring"]
    example = (DEPLOY / "env.example").read_text()
    assert {"SHOP_METRICS=", "OTEL_EXPORTER_OTLP_ENDPOINT="} <= set(example.splitlines())
    assert f"0.0.0.0:{PORT}" in example


def test_composes_prometheus_scrapes_every_service_that_runs_the_shop():
    [job] = SCRAPING["scrape_configs"]
    [found_by] = job["dns_sd_configs"]
    running = {name for name, one in shop_services().items() if one["restart"] != "no"}
    assert set(found_by["names"]) == running
    assert found_by["port"] == PORT
    mounts = [volume.split(":") for volume in COMPOSE["services"]["prometheus"]["volumes"]]
    mounted = {inside: (DEPLOY / outside) for outside, inside, *_ in mounts if outside.startswith(".")}
    assert all(path.is_file() for path in mounted.values())
    assert set(SCRAPING["rule_files"]) <= mounted.keys()
    assert "--config.file=/etc/prometheus/prometheus.yml" in COMPOSE["services"]["prometheus"]["command"]


def test_prometheus_accepts_the_configuration(tmp_path: Path):
    if not (promtool := shutil.which("promtool")):
        (pytest.fail if in_ci() else pytest.skip)("There is no promtool: apt-get install prometheus")
    rules = DEPLOY / "prometheus" / "shop.rules.yml"
    text = (DEPLOY / "compose" / "prometheus.yml").read_text()
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/shop.rules.yml", str(rules)))
    argv = [promtool, "check", "config", str(tmp_path / "prometheus.yml")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_of_the_page_makes_a_valid_prometheusrule():
    [command] = re.findall(r"^\((printf .*)\) \| kubectl", PAGE, re.MULTILINE)
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=True)
    rule = yaml.safe_load(done.stdout)
    check(rule)
    assert len(rule["spec"]["groups"][0]["rules"]) > 5
