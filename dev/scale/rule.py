"""Scaling rule: thresholds and times of the manifest that KEDA gets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dev.errors import ScriptError
from dev.paths import ROOT

MANIFEST = ROOT / "deploy" / "kubernetes" / "base" / "keda.yaml"
#: Seconds between two decisions of Kubernetes' HorizontalPodAutoscaler, whose metrics KEDA provides.
SYNC_SECONDS = 15.0


@dataclass(frozen=True)
class Rule:
    """Rule of one worker."""

    minimum: int
    maximum: int
    #: Messages of a queue for each worker.
    per_worker: int
    #: Seconds for which fewer workers have to be enough before some are stopped.
    stabilization: float


def rules(manifest: Path = MANIFEST) -> dict[str, Rule]:
    """Return the rules by context."""
    documents = [one for one in yaml.safe_load_all(manifest.read_text()) if one["kind"] == "ScaledObject"]
    return {one["metadata"]["name"].removeprefix("shop-worker-"): _rule(one["spec"]) for one in documents}


def common(manifest: Path = MANIFEST, *, maximum: int) -> Rule:
    """Return the rule of a worker for all contexts. Raises ScriptError if the contexts' rules differ."""
    found = {(rule.minimum, rule.per_worker, rule.stabilization) for rule in rules(manifest).values()}
    if len(found) != 1:
        raise ScriptError(f"the contexts have different rules in {manifest}: a worker for all has none.")
    [(minimum, per_worker, stabilization)] = found
    return Rule(minimum, maximum, per_worker, stabilization)


def _rule(spec: dict[str, Any]) -> Rule:
    behavior = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    [value] = {trigger["metadata"]["value"] for trigger in spec["triggers"]}
    return Rule(
        spec["minReplicaCount"],
        spec["maxReplicaCount"],
        int(value),
        float(behavior["scaleDown"]["stabilizationWindowSeconds"]),
    )
