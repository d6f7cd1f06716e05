"""Schemas of the operators' resources: the fields that the manifests use, after the operators' references.

KEDA 2, RabbitMQ Cluster Operator 2, CloudNativePG 1.24 or newer, and the Prometheus Operator. A field that is
not here is refused, as a slip of the pen would be silently dropped or refused by the cluster alone.
"""

from typing import Any


def closed(required: str = "", /, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def many(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1}


TEXT: dict[str, Any] = {"type": "string", "minLength": 1}
COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
FLAG: dict[str, Any] = {"type": "boolean"}
ANY: dict[str, Any] = {"type": "object"}
NAME = closed("name", name=TEXT)
KEY = closed("name key", name=TEXT, key=TEXT)

_TRIGGER = closed(
    "type metadata authenticationRef",
    type={"const": "rabbitmq"},
    metadata=closed(
        "protocol queueName mode value",
        protocol={"enum": ["amqp", "http", "auto"]},
        queueName=TEXT,
        mode={"enum": ["QueueLength", "MessageRate"]},
        value={"type": "string", "pattern": r"^\d+$"},  # KEDA takes strings alone
    ),
    authenticationRef=NAME,
)
_SPECS = {
    ("keda.sh/v1alpha1", "ScaledObject"): closed(
        "scaleTargetRef triggers",
        scaleTargetRef=NAME,
        minReplicaCount=COUNT,
        maxReplicaCount=COUNT,
        pollingInterval=COUNT,
        advanced=closed(
            "horizontalPodAutoscalerConfig",
            horizontalPodAutoscalerConfig=closed(
                "behavior",
                behavior=closed("scaleDown", scaleDown=closed("", stabilizationWindowSeconds=COUNT)),
            ),
        ),
        fallback=closed("failureThreshold replicas", failureThreshold=COUNT, replicas=COUNT),
        triggers=many(_TRIGGER),
    ),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): closed(
        "", secretTargetRef=many(closed("parameter name key", parameter=TEXT, name=TEXT, key=TEXT))
    ),
    ("monitoring.coreos.com/v1", "PodMonitor"): closed(
        "selector podMetricsEndpoints",
        selector=closed("matchLabels", matchLabels={"type": "object", "additionalProperties": TEXT}),
        podMetricsEndpoints=many(
            closed(
                "port",
                port=TEXT,
                interval={"type": "string", "pattern": r"^\d+s$"},
                relabelings=many(
                    closed(
                        "sourceLabels targetLabel",
                        sourceLabels=many(TEXT),
                        regex=TEXT,
                        targetLabel=TEXT,
                    )
                ),
            )
        ),
    ),
    ("monitoring.coreos.com/v1", "PrometheusRule"): closed(
        "groups",
        groups=many(
            closed(
                "name rules",
                name=TEXT,
                rules=many(
                    closed(
                        "alert expr",
                        alert=TEXT,
                        expr=TEXT,
                        labels=ANY,
                        annotations=ANY,
                        **{"for": TEXT},
                    )
                ),
            )
        ),
    ),
    ("rabbitmq.com/v1beta1", "RabbitmqCluster"): closed(
        "replicas",
        replicas=COUNT,
        image=TEXT,
        terminationGracePeriodSeconds=COUNT,
        persistence=closed("storage", storage=TEXT),
        rabbitmq=closed("", additionalConfig=TEXT),
        resources=ANY,
        affinity=ANY,
    ),
    ("postgresql.cnpg.io/v1", "Cluster"): closed(
        "instances storage",
        instances={"type": "integer", "minimum": 1},
        imageName=TEXT,
        bootstrap=closed("", initdb=closed("database owner", database=TEXT, owner=TEXT)),
        managed=closed(
            "",
            roles=many(
                closed(
                    "name",
                    name=TEXT,
                    ensure={"enum": ["present", "absent"]},
                    login=FLAG,
                    passwordSecret=NAME,
                )
            ),
        ),
        postgresql=closed(
            "",
            synchronous=closed("method number", method={"enum": ["any", "first"]}, number=COUNT),
            parameters={"type": "object", "additionalProperties": TEXT},
        ),
        storage=closed("size", size=TEXT),
        resources=ANY,
    ),
    ("postgresql.cnpg.io/v1", "ScheduledBackup"): closed(
        "schedule cluster",
        schedule={"type": "string", "pattern": r"^(\S+ ){5}\S+$"},
        immediate=FLAG,
        backupOwnerReference={"enum": ["none", "self", "cluster"]},
        cluster=NAME,
        method={"enum": ["barmanObjectStore", "volumeSnapshot", "plugin"]},
        pluginConfiguration=NAME,
    ),
    ("barmancloud.cnpg.io/v1", "ObjectStore"): closed(
        "configuration",
        retentionPolicy={"type": "string", "pattern": "^[1-9][0-9]*[dwm]$"},
        configuration=closed(
            "destinationPath",
            destinationPath=TEXT,
            endpointURL=TEXT,
            s3Credentials=closed("", accessKeyId=KEY, secretAccessKey=KEY),
            wal=closed("", compression=TEXT),
            data=closed("", compression=TEXT),
        ),
    ),
}
CUSTOM = {
    (version, kind): closed(
        "apiVersion kind metadata spec", apiVersion=TEXT, kind=TEXT, metadata=ANY, spec=spec
    )
    for (version, kind), spec in _SPECS.items()
}
