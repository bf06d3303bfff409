"""The Helm chart, rendered for three profiles and as its guide shows it.

Against Kubernetes' schemas, our settings and our services.
"""

import base64
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import helm_python
import kubernetes_validate
import pytest
import yaml

from lineshaft.api.domain.keys import KeyKind, new_key
from lineshaft.common.metrics import METRICS
from lineshaft.common.topics import TOPICS
from lineshaft.tools.stack.layout import find_checkout

from .settings_of_services import BOOTSTRAP, settings_class, variables

KUBERNETES = ("1.30", "1.34")
CUSTOM = {"ServiceMonitor", "PrometheusRule", "ScaledObject", "TriggerAuthentication"}
"""Kinds of operators, whose schemas Kubernetes does not have."""
OF_THE_DRIVER = "PGPASSWORD"
SERVICES = ("api", "connector", "mapping", "health-monitor", "notifier")

MINIMAL: dict[str, Any] = {
    "publicUrl": "https://lineshaft.example.com",
    "kafka": {"bootstrapServers": "kafka:9092"},
    "postgres": {"host": "postgres"},
    "secrets": {"existingSecret": "lineshaft"},
}
PRODUCTION: dict[str, Any] = {
    **MINIMAL,
    "image": {"repository": "registry.example.com/lineshaft", "tag": "1.2.3"},
    "imagePullSecrets": [{"name": "registry"}],
    "kafka": {
        "bootstrapServers": "kafka-1:9093,kafka-2:9093, kafka-3:9094",
        "securityProtocol": "SSL",
        "tls": {"existingSecret": "kafka-tls", "certificateKey": "tls.crt", "keyKey": "tls.key"},
    },
    "postgres": {
        "host": "postgres.example.com",
        "sslMode": "verify-full",
        "tls": {"existingSecret": "postgres-tls"},
    },
    "services": {
        "api": {
            "autoscaling": {"enabled": True},
            "settings": {
                "LINESHAFT_CONSOLE_OIDC_ISSUER": "https://id.example.com:8443/realms/plant",
                "LINESHAFT_CONSOLE_OIDC_CLIENT_ID": "lineshaft",
                "LINESHAFT_CONSOLE_OIDC_EDITORS": "editors",
            },
        },
        "connector": {
            "replicas": 6,
            "settings": {"LINESHAFT_CONCURRENT_SLICES": 16, "LINESHAFT_ALLOWED_NETWORKS": "10.0.0.0/8"},
            "tolerations": [{"key": "spot", "operator": "Exists"}],
        },
        "notifier": {"settings": {"LINESHAFT_HISTORY_DAYS": 90}},
    },
    "volumes": [
        {"name": "brand", "configMap": {"name": "brand"}},
        {"name": "our-cmms", "configMap": {"name": "our-cmms"}},
    ],
    "volumeMounts": [
        {"name": "brand", "mountPath": "/opt/brand"},
        {"name": "our-cmms", "mountPath": "/opt/lineshaft/integrations/our-cmms"},
    ],
    "ingress": {"enabled": True, "host": "lineshaft.example.com", "className": "nginx", "tlsSecret": "web"},
    "tracesEndpoint": "http://collector.monitoring:4318/v1/traces",
    "networkPolicy": {
        "enabled": True,
        "kafkaTo": [{"ipBlock": {"cidr": "10.1.0.0/16"}}],
        "moreEgress": [{"ports": [{"protocol": "TCP", "port": 4318}]}],
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
}
SCALED: dict[str, Any] = {
    **MINIMAL,
    "kafka": {
        "bootstrapServers": "kafka:9092",
        "topicPrefix": "plant.",
        "securityProtocol": "SASL_SSL",
        "existingSecret": "kafka-login",
        "existingSecrets": {"mapping": "kafka-mapping", "topics": "kafka-topics"},
        "tls": {"existingSecret": "kafka-tls"},
    },
    "keda": {"enabled": True, "prometheusAddress": "http://prometheus:9090"},
}
GUIDE = (find_checkout() / "docs/howto/deploy-on-kubernetes.md").read_text(encoding="utf-8")
GUIDED: dict[str, Any] = {
    name: value
    for block in re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    for name, value in yaml.safe_load(block).items()
}
"""All values that the guide shows."""
PROFILES = {"minimal": MINIMAL, "production": PRODUCTION, "scaled": SCALED, "guided": GUIDED}


@pytest.fixture(scope="module")
def chart_folder(checkout: Path) -> Path:
    return checkout / "deploy" / "helm" / "lineshaft"


@pytest.fixture(scope="module")
def chart(chart_folder: Path) -> Iterator[helm_python.Chart]:
    chart = helm_python.Chart.load(chart_folder)
    yield chart
    chart.close()


@pytest.fixture(scope="module")
def rendered(chart: helm_python.Chart) -> dict[str, list[dict[str, Any]]]:
    """The manifests of each profile."""
    return {profile: manifests(chart, values) for profile, values in PROFILES.items()}


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest, rendered: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = rendered[request.param]
    return found


def manifests(chart: helm_python.Chart, values: dict[str, Any]) -> list[dict[str, Any]]:
    chart.validate_schema(chart.merge_values(values))
    texts = chart.render(values, name="plant", namespace="lineshaft")
    return [
        manifest
        for path, text in texts.items()
        if path.endswith(".yaml")
        for manifest in yaml.safe_load_all(text)
        if manifest
    ]


def of_kind(found: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in found if one["kind"] == kind}


def containers(found: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Component, pod and container of each deployment and job."""
    for one in found:
        if one["kind"] in {"Deployment", "Job"}:
            pod = one["spec"]["template"]["spec"]
            [container] = pod["containers"]
            yield one["metadata"]["labels"]["app.kubernetes.io/component"], pod, container


def environment(container: Mapping[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}


@pytest.mark.parametrize("values", PROFILES.values(), ids=list(PROFILES))
def test_helm_finds_nothing_wrong(chart_folder: Path, values: dict[str, Any]) -> None:
    report = helm_python.lint(chart_folder, values, strict=True)
    assert [one for one in report["messages"] if one["severity"] > 1] == []
    assert report["errors"] in ([], None)


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_manifest(profile: list[dict[str, Any]], version: str) -> None:
    for manifest in profile:
        if manifest["kind"] not in CUSTOM:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_names_are_used_once(profile: list[dict[str, Any]]) -> None:
    names = [(one["kind"], one["metadata"]["name"]) for one in profile]
    assert len(names) == len(set(names))


def test_each_service_and_job_is_there(profile: list[dict[str, Any]]) -> None:
    assert {component for component, _, _ in containers(profile)} == {*SERVICES, "schemas", "topics"}


def test_every_variable_is_a_setting_of_the_service(profile: list[dict[str, Any]]) -> None:
    for component, _, container in containers(profile):
        known = BOOTSTRAP if component == "schemas" else variables(settings_class(component))
        assert set(environment(container)) <= known | {OF_THE_DRIVER}, component


def test_no_secret_stands_in_a_manifest(profile: list[dict[str, Any]]) -> None:
    for component, _, container in containers(profile):
        for name, value in environment(container).items():
            if re.search(r"PASSWORD|SECRET|SIGNING|ADMIN_KEY", name):
                assert set(value) == {"secretKeyRef"}, (component, name)
    assert of_kind(profile, "Secret") == {}


def test_pods_can_write_nowhere_and_are_nobody(profile: list[dict[str, Any]]) -> None:
    for component, pod, container in containers(profile):
        assert pod["securityContext"]["runAsNonRoot"] is True, component
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "/tmp" in {mount["mountPath"] for mount in container["volumeMounts"]}  # noqa: S108
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            volume["name"] for volume in pod["volumes"]
        }


def test_probes_ask_what_the_service_answers(profile: list[dict[str, Any]]) -> None:
    for deployment in of_kind(profile, "Deployment").values():
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["startupProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["ports"] == [{"name": "http", "containerPort": 8080}]


def test_a_pod_has_longer_to_end_than_its_service_takes(profile: list[dict[str, Any]]) -> None:
    for deployment in of_kind(profile, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        seconds = float(environment(pod["containers"][0])["LINESHAFT_SHUTDOWN_SECONDS"])
        assert pod["terminationGracePeriodSeconds"] == seconds + 10


def test_images_run_as_they_are_and_jobs_run_what_compose_runs(
    profile: list[dict[str, Any]], compose: Any
) -> None:
    """`test_image_commands` runs both as processes."""
    for component, _, container in containers(profile):
        if component in SERVICES:
            assert "command" not in container
            assert "args" not in container
        else:
            assert container["command"] == compose.services()[component]["command"]


def test_selectors_find_the_pods(profile: list[dict[str, Any]]) -> None:
    pods = {
        component: one["spec"]["template"]["metadata"]["labels"].items()
        for one in profile
        if one["kind"] == "Deployment"
        for component in [one["metadata"]["labels"]["app.kubernetes.io/component"]]
    }
    for kind, path in {
        "Service": ("selector",),
        "PodDisruptionBudget": ("selector", "matchLabels"),
        "NetworkPolicy": ("podSelector", "matchLabels"),
        "Deployment": ("selector", "matchLabels"),
    }.items():
        for one in of_kind(profile, kind).values():
            selector = one["spec"]
            for name in path:
                selector = selector[name]
            component = one["metadata"]["labels"]["app.kubernetes.io/component"]
            assert selector.items() <= pods[component], (kind, component)


class TestProduction:
    @pytest.fixture
    def found(self, rendered: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = rendered["production"]
        return found

    def test_settings_and_replicas_of_a_service(self, found: list[dict[str, Any]]) -> None:
        deployments = of_kind(found, "Deployment")
        connector = deployments["plant-lineshaft-connector"]["spec"]
        assert connector["replicas"] == 6
        given = environment(connector["template"]["spec"]["containers"][0])
        assert given["LINESHAFT_CONCURRENT_SLICES"] == "16"
        assert given["LINESHAFT_ALLOWED_NETWORKS"] == "10.0.0.0/8"
        assert "replicas" not in deployments["plant-lineshaft-api"]["spec"]
        assert set(of_kind(found, "HorizontalPodAutoscaler")) == {"plant-lineshaft-api"}

    def test_folders_of_ones_own_are_mounted(self, found: list[dict[str, Any]]) -> None:
        for one in of_kind(found, "Deployment").values():
            pod = one["spec"]["template"]["spec"]
            places = {mount["name"]: mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
            assert places["our-cmms"] == "/opt/lineshaft/integrations/our-cmms"
            assert places.keys() == {volume["name"] for volume in pod["volumes"]}

    def test_the_address_of_postgres(self, found: list[dict[str, Any]]) -> None:
        api = of_kind(found, "Deployment")["plant-lineshaft-api"]
        given = environment(api["spec"]["template"]["spec"]["containers"][0])
        assert given["LINESHAFT_POSTGRES_DSN"] == (
            "postgresql://lineshaft_api@postgres.example.com:5432/lineshaft?sslmode=verify-full"
            "&sslrootcert=/etc/lineshaft/postgres/ca.crt"
        )

    def test_policies_open_what_is_needed(self, found: list[dict[str, Any]]) -> None:
        policies = of_kind(found, "NetworkPolicy")
        mapping = policies["plant-lineshaft-mapping"]["spec"]
        kafka = mapping["egress"][1]
        assert [port["port"] for port in kafka["ports"]] == [9093, 9094]
        assert kafka["to"] == [{"ipBlock": {"cidr": "10.1.0.0/16"}}]
        anywhere = {name for name, one in policies.items() if {} in one["spec"]["egress"]}
        assert anywhere == {"plant-lineshaft-connector", "plant-lineshaft-notifier"}
        assert {"ports": [{"protocol": "TCP", "port": 8443}]} in policies["plant-lineshaft-api"]["spec"][
            "egress"
        ]

    def test_the_alerts_are_those_of_compose(self, found: list[dict[str, Any]], checkout: Path) -> None:
        [rule] = of_kind(found, "PrometheusRule").values()
        shipped = (checkout / "deploy" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
        assert rule["spec"] == yaml.safe_load(shipped)

    def test_the_dashboards_are_those_of_compose(self, found: list[dict[str, Any]], checkout: Path) -> None:
        given = {
            name: json.loads(content)
            for one in of_kind(found, "ConfigMap").values()
            for name, content in one["data"].items()
        }
        shipped = (checkout / "deploy" / "grafana" / "dashboards").glob("*.json")
        assert given == {path.name: json.loads(path.read_text(encoding="utf-8")) for path in shipped}

    def test_scrapes_have_the_jobs_that_alerts_ask_for(self, found: list[dict[str, Any]]) -> None:
        jobs = {
            relabeling["replacement"]
            for one in of_kind(found, "ServiceMonitor").values()
            for relabeling in one["spec"]["endpoints"][0]["relabelings"]
        }
        assert jobs == {f"lineshaft-{name}" for name in SERVICES}


class TestScaled:
    @pytest.fixture
    def found(self, rendered: Mapping[str, Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = rendered["scaled"]
        return found

    def test_every_service_scales_on_the_lag_of_its_groups(
        self, found: list[dict[str, Any]], checkout: Path
    ) -> None:
        scaled = of_kind(found, "ScaledObject")
        for service in SERVICES:
            triggers = of_type(scaled[f"plant-lineshaft-{service}"], "kafka")
            watched = {(trigger["consumerGroup"], trigger["topic"]) for trigger in triggers}
            assert watched == {
                (f"plant.{service}.{group}", f"plant.{topic}")
                for group, topic in subscriptions(checkout, service)
            }

    def test_the_scaler_logs_in_as_the_services_do(self, found: list[dict[str, Any]]) -> None:
        [login] = of_kind(found, "TriggerAuthentication").values()
        assert {one["parameter"]: (one["name"], one["key"]) for one in login["spec"]["secretTargetRef"]} == {
            "username": ("kafka-login", "username"),
            "password": ("kafka-login", "password"),
            "ca": ("kafka-tls", "ca.crt"),
        }
        for scaled in of_kind(found, "ScaledObject").values():
            for trigger in scaled["spec"]["triggers"]:
                if trigger["type"] == "kafka":
                    assert trigger["authenticationRef"] == {"name": login["metadata"]["name"]}
                    assert trigger["metadata"]["sasl"] == "scram_sha512"
                    assert trigger["metadata"]["tls"] == "enable"

    def test_work_that_waits_in_postgres_is_asked_of_prometheus(self, found: list[dict[str, Any]]) -> None:
        ours = {family.name for family in METRICS.registry.collect()}
        asked = {
            name: [re.findall(r"lineshaft_\w+", trigger["query"]) for trigger in of_type(one, "prometheus")]
            for name, one in of_kind(found, "ScaledObject").items()
        }
        assert {name for name, queries in asked.items() if queries} == {
            "plant-lineshaft-connector",
            "plant-lineshaft-notifier",
        }
        for queries in asked.values():
            assert {metric for query in queries for metric in query} <= ours


def of_type(scaled: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [trigger["metadata"] for trigger in scaled["spec"]["triggers"] if trigger["type"] == kind]


def subscriptions(checkout: Path, service: str) -> set[tuple[str, str]]:
    """Group and topic of each subscription, read from the service's composition root."""
    module = service.replace("-", "_")
    source = checkout / "services" / service / "src" / "lineshaft" / module / "app.py"
    names = {topic.name.upper().replace(".", "_").replace("-", "_"): topic.name for topic in TOPICS}
    found = re.findall(
        r"[Ss]ubscription\(\s*(?:\"([\w-]+)\"|([A-Z]+)),\s*\[?topics\.(\w+)",
        source.read_text(encoding="utf-8"),
    )
    assert {names[topic] for _, _, topic in found} == {
        topic.name for topic in TOPICS if service in topic.consumers
    }
    return {(group or constant.lower(), names[topic]) for group, constant, topic in found}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"publicUrl": "lineshaft.example.com"}, "publicUrl"),
        ({"kafka": {"bootstrapServers": "kafka"}}, "kafka/bootstrapServers"),
        ({"kafka": {"existingSecrets": {"mapper": "kafka-mapping"}}}, "mapper"),
        ({"postgres": {"host": ""}}, "postgres/host"),
        ({"secrets": {"existingSecret": ""}}, "secrets/existingSecret"),
        ({"services": {"connector": {"settings": {"LINESHAFT_SLICES": 1}}}}, "LINESHAFT_SLICES"),
        (
            {"services": {"connector": {"settings": {"LINESHAFT_CONCURRENT_SLICES": 0}}}},
            "LINESHAFT_CONCURRENT_SLICES",
        ),
        ({"services": {"mapping": {"settings": {"LINESHAFT_SECRET_KEYS": "k"}}}}, "LINESHAFT_SECRET_KEYS"),
        ({"replicas": 3}, "replicas"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_wrong_value_is_refused_by_name(
    chart: helm_python.Chart, change: dict[str, Any], named: str
) -> None:
    values = {**MINIMAL, **change}
    with pytest.raises(helm_python.HelmValuesError) as refused:
        chart.validate_schema(chart.merge_values(values))
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"kafka": {"bootstrapServers": "k:1", "securityProtocol": "SASL_SSL"}},
            "kafka.existingSecret must name a Secret",
        ),
        (
            {"keda": {"enabled": True}, "services": {"api": {"autoscaling": {"enabled": True}}}},
            "services.api.autoscaling.enabled and keda.enabled would both set its replicas",
        ),
        ({"ingress": {"enabled": True}}, "ingress.host must be the host of publicUrl"),
    ],
    ids=["sasl", "scaling", "ingress"],
)
def test_values_that_do_not_go_together_are_refused(
    chart: helm_python.Chart, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(helm_python.HelmRenderError, match=re.escape(said)):
        chart.render({**MINIMAL, **change}, name="plant")


def test_the_notes_say_what_to_do_next(chart: helm_python.Chart) -> None:
    notes = chart.render(MINIMAL, name="plant", namespace="lineshaft")["lineshaft/templates/NOTES.txt"]
    assert "rollout status deployment/plant-lineshaft-api" in notes
    assert "https://lineshaft.example.com/docs" in notes


SECRETS = {
    "lineshaft/secret-keys": "test:" + base64.b64encode(bytes(32)).decode(),
    "lineshaft/link-signing-key": "a link signing key of 32 characters",
    "lineshaft/admin-key": new_key(KeyKind.ADMIN),
    "lineshaft/console-password": "a console password",
    "lineshaft/console-viewer-password": "a viewer password",
    "lineshaft/console-oidc-client-secret": "a client secret",
    "kafka-login/username": "plant",
    "kafka-login/password": "a password of Kafka",
    "kafka-mapping/username": "mapping",
    "kafka-mapping/password": "a password of mapping",
}
PASSWORDS = {"lineshaft/role-password", "lineshaft/postgres-admin-password"}


def as_process(container: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, str]:
    """The environment of a container, its secrets resolved."""
    return {
        name: value
        if isinstance(value, str)
        else secrets["/".join((value["secretKeyRef"]["name"], value["secretKeyRef"]["key"]))]
        for name, value in environment(container).items()
    }


def test_the_services_take_their_environment(
    profile: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for component, _, container in containers(profile):
        if component in SERVICES:
            with monkeypatch.context() as patched:
                given = as_process(container, {**SECRETS, **dict.fromkeys(PASSWORDS, "a password")})
                for name, value in given.items():
                    patched.setenv(name, value)
                settings = settings_class(component)()
            user = urlsplit(settings.postgres_dsn.get_secret_value()).username
            assert user == f"lineshaft_{component.replace('-', '_')}"


def test_a_service_may_have_a_user_of_its_own_on_kafka(rendered: Mapping[str, Any]) -> None:
    users = {
        component: environment(container)["LINESHAFT_KAFKA_USERNAME"]["secretKeyRef"]["name"]
        for component, _, container in containers(rendered["scaled"])
        if component != "schemas"
    }
    own = {"mapping": "kafka-mapping", "topics": "kafka-topics"}
    assert users == {**dict.fromkeys((*SERVICES, "topics"), "kafka-login"), **own}


@pytest.mark.integration
def test_the_jobs_run_and_run_again(
    rendered: Mapping[str, Any],
    run: Any,
    bootstrap_servers: str,
    database: Any,
    bare_environment: dict[str, str],
) -> None:
    """The password comes in a variable of its own, as in the cluster."""
    admin, role = urlsplit(database.admin_dsn), urlsplit(database.dsn("api"))
    secrets = {
        "lineshaft/postgres-admin-password": admin.password or "",
        "lineshaft/role-password": role.password or "",
    }
    real = {
        "@postgres:5432/lineshaft": f"@{admin.hostname}:{admin.port}{admin.path}",
        "kafka:9092": bootstrap_servers,
    }
    for component, _, container in 2 * list(containers(rendered["minimal"])):
        if component in {"schemas", "topics"}:
            given = as_process(container, secrets)
            for before, after in real.items():
                given = {name: value.replace(before, after) for name, value in given.items()}
            given |= {"LINESHAFT_TOPIC_REPLICATION": "1"} if component == "topics" else {}
            given |= {"LINESHAFT_TOPIC_PREFIX": "chart."} if component == "topics" else {}
            assert container["command"][0] == "python"
            run(sys.executable, *container["command"][1:], environment={**bare_environment, **given})
