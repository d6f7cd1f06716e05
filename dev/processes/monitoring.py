"""Prometheus and Alertmanager beside a running shop: those that the system has. Nothing is downloaded."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dev.errors import ScriptError
from dev.paths import ROOT
from dev.processes.ports import LOOPBACK
from dev.processes.readiness import WhenHealthy
from dev.processes.supervisor import Program

RULES = ROOT / "deploy" / "prometheus" / "shop.rules.yml"
REMEDY = "Install them with `apt-get install prometheus prometheus-alertmanager`."
_PROMETHEUS, _ALERTMANAGER = "prometheus", "prometheus-alertmanager"


def check_installed() -> None:
    """Raise ScriptError if one of the programs is missing."""
    if missing := [name for name in (_PROMETHEUS, _ALERTMANAGER) if not shutil.which(name)]:
        raise ScriptError(f"there is no {' and no '.join(missing)}. {REMEDY}")


def monitoring(
    targets: Mapping[str, str],
    *,
    home: Path,
    ports: tuple[int, int],
    rules: Path = RULES,
    interval: str = "5s",
) -> list[Program]:
    """Return Alertmanager, and Prometheus with the shop's rules.

    Args:
        targets: addresses of metrics by program.
        home: folder of their configuration and data.
        ports: of Prometheus and of Alertmanager.
        rules: file of alerts.
        interval: time between two scrapes, and two evaluations of the rules.
    """
    return [_alertmanager(home, ports[1]), _prometheus(home, ports, targets, rules, interval)]


def _prometheus(
    home: Path, ports: tuple[int, int], targets: Mapping[str, str], rules: Path, interval: str
) -> Program:
    shop = [{"targets": [address], "labels": {"program": name}} for name, address in targets.items()]
    alertmanager = [{"static_configs": [{"targets": [f"{LOOPBACK}:{ports[1]}"]}]}]
    config = {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [str(rules)],
        "alerting": {"alertmanagers": alertmanager},
        "scrape_configs": [{"job_name": "shop", "static_configs": shop}],
    }
    data = f"--storage.tsdb.path={home / _PROMETHEUS}"
    return _program(_PROMETHEUS, home, config, ports[0], [data, "--storage.tsdb.retention.time=7d"])


def _alertmanager(home: Path, port: int) -> Program:
    config = {"route": {"receiver": "page"}, "receivers": [{"name": "page"}]}
    data = f"--storage.path={home / _ALERTMANAGER}"
    return _program(_ALERTMANAGER, home, config, port, [data, "--cluster.listen-address="])


def _program(
    name: str, home: Path, config: Mapping[str, Any], port: int, arguments: Sequence[str]
) -> Program:
    """Return a program, whose configuration is written as JSON, which is YAML."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / f"{name}.yml"
    file.write_text(json.dumps(config, indent=1))
    listen = f"--web.listen-address={LOOPBACK}:{port}"
    return Program(
        name=name,
        argv=(name, f"--config.file={file}", listen, "--log.level=warn", *arguments),
        env=os.environ,
        readiness=WhenHealthy(port, "/-/ready"),
    )
