"""The manifests: valid to Kubernetes, to KubeRay and to Ray's autoscaler, and locked down."""

import copy
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "cluster" / "kuberay"
KUBERNETES = "1.33"
FILES = {"RayCluster": "raycluster.yaml", "RayJob": "rayjob.yaml"}
INT_OR_STRING = "x-kubernetes-int-or-string"
FREE = "x-kubernetes-preserve-unknown-fields"


def access() -> dict[tuple[str, str], dict[str, Any]]:
    documents = yaml.safe_load_all((FOLDER / "access.yaml").read_text())
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def manifest(kind: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / FILES[kind]).read_text())
    return document


def cluster_spec(kind: str) -> dict[str, Any]:
    spec: dict[str, Any] = manifest(kind)["spec"]
    return spec if kind == "RayCluster" else spec["rayClusterSpec"]


def templates(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod template of a manifest, by the name of its group."""
    spec = cluster_spec(kind)
    yield "head", spec["headGroupSpec"]["template"]
    for group in spec["workerGroupSpecs"]:
        yield group["groupName"], group["template"]
    if kind == "RayJob":
        yield "submitter", manifest(kind)["spec"]["submitterPodTemplate"]


TEMPLATES = [pytest.param(template, id=f"{kind}-{name}") for kind in FILES for name, template in templates(kind)]


@cache
def definition(kind: str) -> dict[str, Any]:
    """KubeRay's schema of a kind, closed: what it does not name is refused, as by `kubectl apply --validate=strict`."""
    data = os.environ.get("FSA_RAY_DATA")
    if data is None:
        pytest.skip("FSA_RAY_DATA is not set: KubeRay's definitions are in its folder crds")
    file = Path(data) / "crds" / f"ray.io_{kind.lower()}s.yaml"
    versions = yaml.load(file.read_text(), yaml.CSafeLoader)["spec"]["versions"]  # these are long
    (schema,) = [version["schema"]["openAPIV3Schema"] for version in versions if version["name"] == "v1"]
    return closed(schema)


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    schema = dict(schema)
    if INT_OR_STRING in schema:
        return {"type": ["integer", "string"]}
    for inner in ("items", "additionalProperties"):
        if isinstance(schema.get(inner), dict):
            schema[inner] = closed(schema[inner])
    if "properties" in schema:
        schema["properties"] = {name: closed(each) for name, each in schema["properties"].items()}
        if FREE not in schema:
            schema.setdefault("additionalProperties", False)
    return schema


def refused(kind: str, document: dict[str, Any]) -> list[str]:
    from jsonschema import Draft202012Validator

    return [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(definition(kind)).iter_errors(document)
    ]


@pytest.mark.parametrize("document", access().values(), ids=[f"{kind}-{name}" for kind, name in access()])
def test_kubernetes_takes_it(document: dict[str, Any]) -> None:
    kubernetes = pytest.importorskip("kubernetes_validate", reason="PyPI: kubernetes-validate")
    kubernetes.validate(document, KUBERNETES, strict=True)
    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate({**document, "unknown": 1}, KUBERNETES, strict=True)


@pytest.mark.parametrize("template", TEMPLATES)
def test_kubernetes_takes_the_pods(template: dict[str, Any]) -> None:
    kubernetes = pytest.importorskip("kubernetes_validate", reason="PyPI: kubernetes-validate")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": "x"},
        "spec": template["spec"],
    }
    kubernetes.validate(pod, KUBERNETES, strict=True)


@pytest.mark.parametrize("kind", FILES)
def test_kuberay_takes_it(kind: str) -> None:
    assert refused(kind, manifest(kind)) == []


@pytest.mark.parametrize("kind", FILES)
def test_kuberay_would_refuse_an_unknown_field(kind: str) -> None:
    for spoil in (
        lambda spec: spec.update(autoscaling=True),
        lambda spec: spec["headGroupSpec"]["template"]["spec"].update(gracePeriod=1),
        lambda spec: spec["headGroupSpec"]["template"]["spec"]["containers"][0]["resources"].update(limit={}),
    ):
        document = copy.deepcopy(manifest(kind))
        spoil(document["spec"] if kind == "RayCluster" else document["spec"]["rayClusterSpec"])
        assert len(refused(kind, document)) == 1


def test_rays_autoscaler_reads_its_groups() -> None:
    from ray.autoscaler._private.kuberay.autoscaling_config import _derive_autoscaling_config_from_ray_cr

    found = _derive_autoscaling_config_from_ray_cr(manifest("RayCluster"))
    types = found["available_node_types"]
    assert found["idle_timeout_minutes"] == 5
    assert types["headgroup"]["resources"]["CPU"] == 0
    assert {
        name: (kind["min_workers"], kind["max_workers"]) for name, kind in types.items() if name != "headgroup"
    } == {
        "cpu": (0, 4),
        "gpu-spot": (0, 8),
        "gpu-on-demand": (0, 4),
    }
    spot, on_demand = types["gpu-spot"], types["gpu-on-demand"]
    assert spot["resources"] == on_demand["resources"]  # among unequal ones the priority would not count
    assert spot["resources"]["GPU"] == 1
    assert spot["priority"] > on_demand["priority"]


def test_a_job_has_the_cluster_of_the_other_file() -> None:
    assert cluster_spec("RayJob") == cluster_spec("RayCluster")


def test_a_job_runs_the_command_line_of_a_laptop() -> None:
    command = manifest("RayJob")["spec"]["entrypoint"]
    assert command == "fsa-ray run /specs/demo.yaml --root s3://my-bucket/runs --placement /specs/placement.yaml"
    (container,) = dict(templates("RayJob"))["head"]["spec"]["containers"]
    assert "/specs" in [mount["mountPath"] for mount in container["volumeMounts"]]


def test_the_token_is_demanded_by_reference() -> None:
    spec = cluster_spec("RayCluster")
    assert spec["authOptions"] == {"mode": "token", "secretName": "fsa-ray-token"}
    demanded = {"name": "RAY_AUTH_MODE", "value": "token"}
    assert demanded in spec["autoscalerOptions"]["env"]
    for _, template in templates("RayCluster"):
        assert demanded in template["spec"]["containers"][0]["env"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_value_of_the_environment_is_a_secret(template: dict[str, Any]) -> None:
    public = {"RAY_AUTH_MODE", "RAY_USAGE_STATS_ENABLED", "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"}
    for container in template["spec"]["containers"]:
        assert {variable["name"] for variable in container.get("env", [])} <= public
        assert all("secretRef" in source for source in container.get("envFrom", []))


@pytest.mark.parametrize("template", TEMPLATES)
def test_pods_meet_the_restricted_standard(template: dict[str, Any]) -> None:
    pod = template["spec"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] == 1000
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert {next(iter(volume.keys() - {"name"})) for volume in pod["volumes"]} <= {"emptyDir", "configMap"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"].keys() >= {"cpu", "memory"}
        assert container["resources"]["limits"]["memory"]
    labels = access()["Namespace", "fsa-ray"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_network_policy_holds_for_every_pod(template: dict[str, Any]) -> None:
    spec = access()["NetworkPolicy", "fsa-ray"]["spec"]
    assert spec["podSelector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}


def test_only_the_cluster_and_its_operator_come_in() -> None:
    spec = access()["NetworkPolicy", "fsa-ray"]["spec"]
    own, operator = spec["ingress"]
    assert own["from"] == [{"podSelector": spec["podSelector"]}]
    assert [port["port"] for port in operator["ports"]] == [8265]
    assert operator["from"][0]["podSelector"]["matchLabels"] == {"app.kubernetes.io/name": "kuberay-operator"}
    assert cluster_spec("RayCluster")["headGroupSpec"]["serviceType"] == "ClusterIP"


def test_only_the_head_holds_rights_in_kubernetes_and_few() -> None:
    found = access()
    assert {(rule["resources"][0], *rule["verbs"]) for rule in found["Role", "fsa-ray"]["rules"]} == {
        ("pods", "get", "list"),
        ("rayclusters", "get", "patch"),
    }
    # by this name KubeRay finds them, and makes none of its own
    assert (
        manifest("RayCluster")["metadata"]["name"] == "fsa-ray" == found["RoleBinding", "fsa-ray"]["metadata"]["name"]
    )
    subjects = found["RoleBinding", "fsa-ray"]["subjects"]
    assert [subject["name"] for subject in subjects] == ["fsa-ray-head"]
    for kind in FILES:
        for name, template in templates(kind):
            pod = template["spec"]
            assert ("ServiceAccount", pod["serviceAccountName"]) in found
            assert pod["automountServiceAccountToken"] == (name == "head")
            assert (pod["serviceAccountName"] == "fsa-ray-head") == (name == "head")


def test_a_worker_drains_before_it_is_killed() -> None:
    for group in cluster_spec("RayCluster")["workerGroupSpecs"]:
        pod = group["template"]["spec"]
        environment = {variable["name"]: variable["value"] for variable in pod["containers"][0]["env"]}
        drain = float(environment["RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S"])
        assert 60 <= drain <= pod["terminationGracePeriodSeconds"] - 20
        assert group["rayStartParams"]["block"] == "true"
        assert "lifecycle" not in pod["containers"][0], "a preStop of `ray stop` would kill what drains"


def test_ray_and_images_are_of_the_version_that_the_project_pins() -> None:
    project = (FOLDER.parents[1] / "pyproject.toml").read_text()
    assert f"ray[data,default,serve,train]=={cluster_spec('RayCluster')['rayVersion']}" in project
    version = project.partition('\nversion = "')[2].partition('"')[0]
    for kind in FILES:
        for name, template in templates(kind):
            tag = f"{version}-{'gpu' if name.startswith('gpu') else 'cpu'}"
            assert template["spec"]["containers"][0]["image"].endswith(f"/fsa-ray:{tag}")
