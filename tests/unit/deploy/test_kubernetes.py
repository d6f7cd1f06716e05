"""deploy/kubernetes: schemas, roles, queues, variables, secrets and rights of the containers."""

import re
import shutil
import subprocess
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from shop import settings
from shop.messaging.consuming import events_queue
from tests.unit.deploy.custom_schemas import CUSTOM
from tests.unit.deploy.manifests import (
    BACKUP,
    BASE,
    CLUSTER,
    METRICS,
    RESTORE,
    ROLES,
    TRACING,
    documents,
    of_kind,
    secrets,
    settings_file,
    variables,
)

#: Version of Kubernetes whose schemas hold.
KUBERNETES = "1.33"
#: Seconds for which the relay's step waits for its last batch.
LAST_BATCH = 15
FOLDERS = (BASE, CLUSTER, BACKUP, METRICS, TRACING)
WORKLOADS = of_kind("Deployment", "Job")


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    return workload["spec"]["template"]["spec"]


def name(resource: dict[str, Any]) -> str:
    return f"{resource['kind']}/{resource['metadata']['name']}"


def containers(workload: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod(workload).get("initContainers", ()), *pod(workload)["containers"]]


def check(resource: dict[str, Any]) -> None:
    """Validate a resource against its schema, of Kubernetes or of an operator."""
    custom = CUSTOM.get((resource["apiVersion"], resource["kind"]))
    if custom:
        jsonschema.validate(resource, custom)
    else:
        kubernetes_validate.validate(resource, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    "resource", [one for folder in (*FOLDERS, RESTORE) for one in documents(folder)], ids=name
)
def test_every_manifest_is_valid(resource):
    check(resource)


def test_the_kustomization_has_every_manifest_and_nothing_else():
    for folder in FOLDERS:
        found = yaml.safe_load((folder / "kustomization.yaml").read_text())
        patches = {patch["path"] for patch in found.get("patches", ()) if "path" in patch}
        named = {one for one in found["resources"] if not one.startswith("..")} | patches
        files = {path.name for path in folder.glob("*.yaml")}
        assert named == files - {"kustomization.yaml", "secrets.example.yaml"}


@pytest.mark.skipif(not shutil.which("kubectl"), reason="there is no kubectl, whose kustomize builds them")
def test_kustomize_builds_valid_manifests():
    argv = ["kubectl", "kustomize", str(CLUSTER)]
    built = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    for resource in yaml.safe_load_all(built):
        check(resource)


def test_a_restored_shop_is_opened_with_the_rights_of_a_migration_and_the_file_of_erasures():
    [job], [migration] = documents(RESTORE), of_kind("Job")
    [container], [migrating] = pod(job)["containers"], pod(migration)["containers"]
    assert container["args"] == ["manage", "after_restore", "--restored"]
    assert container["envFrom"] == migrating["envFrom"]
    assert container["securityContext"] == migrating["securityContext"]
    assert {"name": "erasures", "mountPath": "/var/lib/shop"} in container["volumeMounts"]


def test_the_log_is_archived_where_the_backups_are():
    [patch, _] = yaml.safe_load((BACKUP / "archive.yaml").read_text())
    [plugin] = patch["value"]
    stores = [one["metadata"]["name"] for one in documents(BACKUP) if one["kind"] == "ObjectStore"]
    assert [plugin["parameters"]["barmanObjectName"]] == stores
    [schedule] = [one for one in documents(BACKUP) if one["kind"] == "ScheduledBackup"]
    assert schedule["spec"]["pluginConfiguration"]["name"] == plugin["name"]


def test_a_deployment_runs_each_role_and_each_context_and_no_other():
    found = [tuple(pod(one)["containers"][0]["args"]) for one in of_kind("Deployment")]
    assert sorted(found) == sorted(ROLES)
    assert [pod(job)["containers"][0]["args"] for job in of_kind("Job")] == [["migrate"]]


def test_each_worker_is_scaled_by_both_queues_of_its_context():
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]: {
            trigger["metadata"]["queueName"] for trigger in one["spec"]["triggers"]
        }
        for one in of_kind("ScaledObject")
    }
    assert scaled == {
        f"shop-worker-{context}": {events_queue(context), context} for context in settings.CONTEXTS
    }


def test_what_keda_scales_has_no_number_of_its_own():
    scaled = {one["spec"]["scaleTargetRef"]["name"] for one in of_kind("ScaledObject")}
    fixed = {one["metadata"]["name"] for one in of_kind("Deployment") if "replicas" in one["spec"]}
    assert not scaled & fixed


def test_what_several_pods_serve_is_drained_one_by_one():
    budgets = {one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] for one in
               of_kind("PodDisruptionBudget")}  # fmt: skip
    deployed = {one["metadata"]["name"] for one in of_kind("Deployment")}
    assert budgets == deployed - {"shop-beat"}


@pytest.mark.parametrize("workload", WORKLOADS, ids=name)
def test_containers_are_not_root_and_write_nowhere_but_to_their_volumes(workload):
    assert pod(workload)["securityContext"]["runAsNonRoot"] is True
    assert pod(workload)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(workload)["automountServiceAccountToken"] is False
    for container in containers(workload):
        rights = container["securityContext"]
        assert rights["readOnlyRootFilesystem"] is True
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"].keys() == {"requests", "limits"}


@pytest.mark.parametrize("workload", of_kind("Deployment"), ids=name)
def test_every_deployment_is_probed_and_has_time_to_stop(workload):
    [container] = pod(workload)["containers"]
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
    grace = pod(workload)["terminationGracePeriodSeconds"]
    [role, *_] = container["args"]
    if role in {"relay", "worker"}:
        assert grace > settings.CELERY_TASK_TIME_LIMIT + LAST_BATCH
    if role == "web":
        assert grace > settings.SHOP_VIEW_TIMEOUT.total_seconds()
        liveness = container["livenessProbe"]
        longest = liveness["periodSeconds"] * liveness["failureThreshold"]
        assert longest > settings.SHOP_VIEW_TIMEOUT.total_seconds(), "the server replaces its process first"


def test_the_manifests_set_no_variable_that_nothing_reads():
    known = variables()
    assert "DJANGO_SECRET_KEY" in known
    assert settings_file().keys() | set().union(*secrets().values()) <= known
    assert settings_file(TRACING).keys() <= known
    assert patched_variables() - {"PGPASSWORD"} <= known


def patched_variables() -> set[str]:
    """Return the variables that the patches of the overlay set."""
    texts = [path.read_text() for path in CLUSTER.glob("*url*.yaml")]
    return set(re.findall(r"^ +(?:- )?name: ([A-Z_]+)$", "\n".join(texts), re.MULTILINE))


def test_secrets_are_referred_to_and_only_the_migration_has_the_owners():
    for workload in WORKLOADS:
        for container in containers(workload):
            named = {one["secretRef"]["name"] for one in container["envFrom"] if "secretRef" in one}
            is_migration = container["args"] == ["migrate"]
            assert named == ({"shop-secrets", "shop-owner"} if is_migration else {"shop-secrets"})
            assert "env" not in container
    assert secrets()["shop-owner"] == {"SHOP_ADMIN_DATABASE_URL"}
    assert not settings_file().keys() & set().union(*secrets().values())


def test_new_code_waits_for_its_migrations():
    for workload in of_kind("Deployment"):
        waits = [one["args"] for one in pod(workload).get("initContainers", ())]
        serves = workload["metadata"]["name"] in {"shop-web", "shop-feed"}  # /readyz keeps them from traffic
        assert waits == ([] if serves else [["await-migrations"]])


def test_nothing_is_open_to_the_network_but_what_a_policy_names():
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind("NetworkPolicy")}
    deny = policies["shop-default-deny"]
    assert set(deny["policyTypes"]) == {"Ingress", "Egress"}
    assert not deny.keys() & {"ingress", "egress"}
    for workload in WORKLOADS:
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert deny["podSelector"]["matchLabels"].items() <= labels.items()
