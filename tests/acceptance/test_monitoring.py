"""Prometheus and Alertmanager on a running shop: alerts fire and resolve, and dashboards have data."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.paths import ROOT
from dev.processes import ports, programs
from dev.processes.metrics import metrics_of, with_metrics
from dev.processes.monitoring import RULES, monitoring
from tests.support.deployment import RELAY, Deployment
from tests.support.prometheus import firing, query
from tests.support.servers import in_ci

pytestmark = pytest.mark.parametrize("running_shop", ["embedded"], indirect=True)

DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))
#: Metrics of things that do not happen in this test.
RARE = {"shop_consumer_paused_seconds", "shop_open_dead_letters"}


@dataclass(frozen=True)
class Monitoring:
    prometheus: str
    alertmanager: str


@pytest.fixture
def monitored(shop: Deployment, tmp_path: Path) -> Iterator[Monitoring]:
    """The shop with beat, Prometheus and Alertmanager. Alerts fire at once."""
    for name in ("prometheus", "prometheus-alertmanager"):
        if not shutil.which(name):
            (pytest.fail if in_ci() else pytest.skip)(f"There is no {name}: apt-get install {name}")
    rules = tmp_path / "rules.yml"
    rules.write_text(re.sub(r"for: \d+m", "for: 0s", RULES.read_text()))
    [beat] = with_metrics([programs.scheduler(shop.env, home=tmp_path)], first_port=ports.pick(31_000))
    chosen = ports.pick(31_100), ports.pick(31_200)
    targets = {**shop.metrics, **metrics_of([beat])}
    started = [beat, *monitoring(targets, home=tmp_path, ports=chosen, rules=rules, interval="1s")]
    shop.supervisor.start(*started)
    shop.supervisor.wait_ready()
    yield Monitoring(*(f"http://127.0.0.1:{port}" for port in chosen))
    shop.stop_workers(*(program.name for program in started))


def test_the_alert_for_the_relay_fires_and_resolves_and_the_dashboards_have_data(
    shop: Deployment, monitored: Monitoring
) -> None:
    orders = [shop.place_order() for _ in range(3)]
    shop.wait_for_status(orders, "delivered")
    shop.wait_until(lambda: query(monitored.prometheus, "max(shop_relays) > 0"), what="beat was scraped")
    for expression in expressions():
        query(monitored.prometheus, expression)
    shop.wait_until(lambda: not without_data(monitored.prometheus), what="each metric has data")

    shop.stop_workers(RELAY)
    shop.wait_until(lambda: "ShopNoRelay" in firing(monitored.alertmanager), within=60)
    shop.start_workers(RELAY)
    shop.wait_until(lambda: "ShopNoRelay" not in firing(monitored.alertmanager), within=60)


def expressions() -> list[str]:
    """Return the queries of all dashboards, with Grafana's interval filled in."""
    boards = [json.loads(file.read_text()) for file in DASHBOARDS]
    targets = [target for board in boards for panel in board["panels"] for target in panel["targets"]]
    return [target["expr"].replace("$__rate_interval", "1m") for target in targets]


def without_data(prometheus: str) -> set[str]:
    """Return the metrics of the dashboards that no program of the shop has."""
    names = {
        name for text in expressions() for name in re.findall(r"\b(?:shop|http|messaging|process)_\w+", text)
    }
    labels = {"http_route", "http_request_method", "http_response_status_code"}
    return {name for name in names - labels - RARE if not query(prometheus, name)}
