"""The manifests of deploy/kubernetes as kubectl builds them: valid, consistent with each other and with the service."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from service.metrics import Metrics
from service.settings import DRAIN_SPARE_S, PREFIX, load_settings, misspelt_variables
from tests.deploy.live.daemons import DEPLOY, ROOT, program

PLACES = ("base", "overlays/cpu", "overlays/gpu", "overlays/fleet")
OF_THE_OPERATOR = {"ServiceMonitor", "PrometheusRule"}  # of which Kubernetes itself knows no schema
VALIDATE = "NOT CHECKED: kubernetes-validate is not installed; it is in requirements-dev.txt"
Object = dict[str, Any]


@cache
def build(place: str) -> list[Object]:
    """Return the objects of a base or overlay."""
    kubectl = program("kubectl", package="kubernetes-client")
    done = subprocess.run(
        [kubectl, "kustomize", DEPLOY / "kubernetes" / place], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def of_kind(place: str, kind: str) -> dict[str, Object]:
    """Return the objects of a kind, by name."""
    return {found["metadata"]["name"]: found for found in build(place) if found["kind"] == kind}


def pods(place: str) -> dict[str, Object]:
    """Return the pod of each deployment, by its name."""
    return {name: found["spec"]["template"] for name, found in of_kind(place, "Deployment").items()}


def selected(place: str, labels: dict[str, str]) -> list[Object]:
    """Return the pods that have these labels."""
    return [pod for pod in pods(place).values() if labels.items() <= pod["metadata"]["labels"].items()]


def settings(place: str) -> dict[str, str]:
    """Return the service's environment."""
    (source,) = pods(place)["latentone"]["spec"]["containers"][0]["envFrom"]
    data: dict[str, str] = of_kind(place, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    return data


@pytest.mark.parametrize("place", PLACES)
def test_every_object_is_valid(place: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate", reason=VALIDATE)
    for found in build(place):
        if found["kind"] not in OF_THE_OPERATOR:
            kubernetes_validate.validate(found, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("place", PLACES)
def test_every_reference_finds_its_object(place: str) -> None:
    for service in of_kind(place, "Service").values():
        (pod,) = selected(place, service["spec"]["selector"])
        ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for kind in ("PodDisruptionBudget", "NetworkPolicy"):
        for found in of_kind(place, kind).values():
            selector = found["spec"].get("selector") or found["spec"]["podSelector"]
            (pod,) = selected(place, selector["matchLabels"])
            ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
            allowed = {port["port"] for rule in found["spec"].get("ingress", ()) for port in rule["ports"]}
            assert allowed <= ports
    for scaler in of_kind(place, "HorizontalPodAutoscaler").values():
        assert scaler["spec"]["scaleTargetRef"]["name"] in of_kind(place, "Deployment")
    for monitor in of_kind(place, "ServiceMonitor").values():
        labels = monitor["spec"]["selector"]["matchLabels"]
        (watched,) = (
            service
            for service in of_kind(place, "Service").values()
            if labels.items() <= service["metadata"]["labels"].items()
        )
        assert monitor["spec"]["endpoints"][0]["port"] == watched["spec"]["ports"][0]["name"]
        assert watched["metadata"]["labels"][monitor["spec"]["jobLabel"]] == "latentone"  # the job of the alerts


@pytest.mark.parametrize("place", PLACES)
def test_the_service_takes_its_settings_and_its_ports(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in settings(place).items():
        monkeypatch.setenv(name, value)
    assert misspelt_variables() == []
    taken = load_settings()
    fields = type(taken).model_fields
    assert {name.removeprefix(PREFIX).lower() for name in settings(place)} <= fields.keys()
    ports = {port["name"]: port["containerPort"] for port in container(place)["ports"]}
    assert ports == {"http": taken.http_port, "grpc": taken.grpc_port, "admin": taken.admin_port}
    assert str(taken.threads) == container(place)["resources"]["limits"]["cpu"]
    grace_s = pods(place)["latentone"]["spec"]["terminationGracePeriodSeconds"]
    assert grace_s > taken.lame_duck_seconds + taken.drain_seconds + DRAIN_SPARE_S
    probe = container(place)["readinessProbe"]
    assert taken.lame_duck_seconds > probe["periodSeconds"] * probe.get("failureThreshold", 3)
    if place.endswith("fleet"):
        assert taken.fleet is not None
        (target,) = taken.fleet.targets
        name, _, port = target.rpartition(":")
        assert of_kind(place, "Service")[name.rpartition("/")[2]]["spec"]["ports"][0]["port"] == int(port)


def container(place: str) -> Object:
    """Return the service's container."""
    found: Object = pods(place)["latentone"]["spec"]["containers"][0]
    return found


@pytest.mark.parametrize("place", PLACES)
def test_no_container_may_more_than_it_needs(place: str) -> None:
    for pod in pods(place).values():
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        for each in [*spec["containers"], *spec.get("initContainers", ())]:
            context = each["securityContext"]
            assert context["readOnlyRootFilesystem"] is True
            assert context["allowPrivilegeEscalation"] is False
            assert context["capabilities"] == {"drop": ["ALL"]}
            for bound in ("requests", "limits"):
                assert {"cpu", "memory"} <= each["resources"][bound].keys()
        for each in spec["containers"]:
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= each.keys()


@pytest.mark.parametrize("place", PLACES)
def test_the_image_is_of_this_version(place: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert container(place)["image"] == f"latentone:{version}{'-gpu' if place.endswith('gpu') else ''}"


def test_it_is_scaled_by_what_it_measures_and_the_adapter_offers() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    measured = {family.name for family in registry.collect()}
    scaler = of_kind("overlays/cpu", "HorizontalPodAutoscaler")["latentone"]
    wanted = {metric["pods"]["metric"]["name"] for metric in scaler["spec"]["metrics"]}
    (rule,) = yaml.safe_load((DEPLOY / "kubernetes/monitoring/adapter.yaml").read_text())["rules"]["custom"]
    offered = re.search(r'__name__=~"([^"]+)"', rule["seriesQuery"])
    assert offered is not None
    assert wanted == set(offered[1].split("|"))
    assert wanted <= measured


def test_the_fleet_serves_every_bundled_model() -> None:
    listed = re.findall(
        r'name: "([^"]+)" base_path: "/models/\1"', (DEPLOY / "kubernetes/overlays/fleet/models.config").read_text()
    )
    assert sorted(listed) == sorted(folder.name for folder in (ROOT / "models").iterdir() if folder.is_dir())


@pytest.mark.parametrize("name", ["kubernetes", "operations"])
def test_every_place_that_a_document_names_is_there(name: str) -> None:
    text = (ROOT / f"docs/{name}.md").read_text()
    places = re.findall(r"(?:deploy|tests)/[\w./-]*\w", text)
    linked = [f"docs/{link}" for link in re.findall(r"\]\((?!http)([^)#]+)", text)]
    assert places
    assert linked
    missing = [place for place in (*places, *linked) if not (ROOT / place).exists()]
    assert not missing
