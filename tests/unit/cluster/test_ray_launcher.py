"""The files of `ray up`: valid to Ray itself, open to nobody, from zero to zero."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "cluster" / "ray"
CLOUDS = ("aws", "gcp")
ALL = (*CLOUDS, "on-premises")
POLICIES = ("aws-policy", "aws-worker-policy")


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    return document


def prepared(name: str) -> dict[str, Any]:
    """As `ray up` completes it before it asks the cloud anything."""
    from ray.autoscaler._private.util import prepare_config

    config: dict[str, Any] = prepare_config(read(name))
    return config


def policy(name: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text())["Statement"]
    return statements


def workers(config: dict[str, Any]) -> dict[str, Any]:
    return {name: kind for name, kind in config["available_node_types"].items() if name != config["head_node_type"]}


def is_spot(kind: dict[str, Any]) -> bool:
    node = kind["node_config"]
    return "InstanceMarketOptions" in node or node.get("scheduling", {}).get("provisioningModel") == "SPOT"


def gpu_types(config: dict[str, Any]) -> dict[str, Any]:
    return {name: kind for name, kind in workers(config).items() if "GPU" in kind["resources"]}


@pytest.mark.parametrize("name", ALL)
def test_ray_takes_it(name: str) -> None:
    from ray.autoscaler._private.util import validate_config

    validate_config(prepared(name))


@pytest.mark.parametrize("name", CLOUDS)
def test_ray_would_refuse_an_unknown_key(name: str) -> None:
    from jsonschema import ValidationError
    from ray.autoscaler._private.util import validate_config

    config = prepared(name)
    config["available_node_types"]["head"]["min_wrokers"] = 0
    with pytest.raises(ValidationError, match="min_wrokers"):
        validate_config(config)


@pytest.mark.parametrize("name", CLOUDS)
def test_workers_come_from_zero_and_go_when_idle(name: str) -> None:
    config = prepared(name)
    assert config["idle_timeout_minutes"] == 5
    for kind in workers(config).values():
        assert kind["min_workers"] == 0
        assert 0 < kind["max_workers"] <= config["max_workers"]
    assert config["available_node_types"][config["head_node_type"]]["resources"] == {"CPU": 0}


@pytest.mark.parametrize("name", CLOUDS)
def test_spot_comes_before_on_demand_among_types_that_are_alike(name: str) -> None:
    types = gpu_types(prepared(name))
    spot = {kind["priority"] for kind in types.values() if is_spot(kind)}
    other = {kind["priority"] for kind in types.values() if not is_spot(kind)}
    assert len(spot) >= 2
    assert other
    assert min(spot) > max(other)
    assert len({json.dumps(kind["resources"], sort_keys=True) for kind in types.values()}) == 1


@pytest.mark.parametrize("name", CLOUDS)
def test_rays_scheduler_asks_for_spot_and_then_for_what_is_left(name: str) -> None:
    types, need = gpu_types(prepared(name)), {"CPU": 4, "GPU": 1}
    assert is_spot(types[chosen(name, need, {})])
    spent = {kind: 0.0 for kind, settings in types.items() if is_spot(settings)}
    assert not is_spot(types[chosen(name, need, spent)])


@pytest.mark.parametrize("name", CLOUDS)
def test_work_without_gpus_starts_no_gpu_machine(name: str) -> None:
    assert chosen(name, {"CPU": 1}, {}) == "cpu"


def chosen(name: str, need: dict[str, float], availabilities: dict[str, float]) -> str:
    """The type that Ray's own scheduler (autoscaler v2) starts. `availabilities`: 0 for a type that failed lately."""
    from ray.autoscaler.v2.instance_manager.config import AutoscalingConfig
    from ray.autoscaler.v2.scheduler import ResourceDemandScheduler, SchedulingRequest
    from ray.autoscaler.v2.utils import ResourceRequestUtil
    from ray.core.generated.autoscaler_pb2 import ResourceRequestByCount

    document = prepared(name)
    document["auth"].pop("ssh_private_key", None)  # Ray would read it
    config = AutoscalingConfig(document, skip_content_hash=True)
    request = SchedulingRequest(
        node_type_configs=config.get_node_type_configs(),
        disable_launch_config_check=True,
        max_num_nodes=config.get_max_num_nodes(),
        resource_requests=[ResourceRequestByCount(request=ResourceRequestUtil.make(need), count=1)],
        recoverable_resource_availabilities=availabilities,
    )
    launches = ResourceDemandScheduler(None).schedule(request).to_launch
    (launch,) = [launch for launch in launches if launch.instance_type != "head"]
    return str(launch.instance_type)


@pytest.mark.parametrize("name", ALL)
def test_nobody_reaches_it_from_outside(name: str) -> None:
    config = prepared(name)
    (start,) = [command for command in config["head_start_ray_commands"] if "ray start" in command]
    assert "--dashboard-host=127.0.0.1" in start
    assert "--num-cpus=0" in start
    for kind in config["available_node_types"].values() if name in CLOUDS else ():
        node = kind["node_config"]
        if name == "aws":
            assert node["SecurityGroupIds"], "Ray's own security group opens SSH to the world"
            assert node["IamInstanceProfile"], "Ray's own role may do anything with EC2 and S3"
            assert node["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
            assert all(disk["Ebs"]["Encrypted"] for disk in node["BlockDeviceMappings"])
        else:
            assert all("accessConfigs" not in interface for interface in node["networkInterfaces"])
            assert node["serviceAccounts"]
    if name in CLOUDS:
        assert config["provider"]["use_internal_ips"]
        assert config["auth"]["ssh_proxy_use_node_id"]
        assert "security_group" not in config["provider"]


@pytest.mark.parametrize("name", ALL)
def test_the_token_is_demanded_and_never_in_the_file(name: str) -> None:
    config = prepared(name)
    mode = config.get("docker", {}).get("run_options", [])
    for role in ("head", "worker"):
        commands = config[f"{role}_start_ray_commands"]
        (start,) = [command for command in commands if "ray start" in command]
        assert "RAY_AUTH_MODE=token" in start or "--env RAY_AUTH_MODE=token" in mode
        if name in CLOUDS:
            fetches = commands[1 : commands.index(start)]
            for fetch, file in zip(fetches, ("~/.ray/auth_token", "~/.ray/environment"), strict=True):
                assert fetch.startswith("umask 077")
                assert fetch.endswith(f"> {file}")
            assert start.startswith(". ~/.ray/environment && ")
        else:
            assert "RAY_AUTH_TOKEN_PATH=" in start
    assert not re.search(r"RAY_AUTH_TOKEN=|\b[0-9a-f]{32,}\b", json.dumps(config))


SECRETS = {"HF_TOKEN": "hf_abc", "ODD": 'it\'s "$HOME" `id`; a\nb'}


@pytest.mark.parametrize("name", CLOUDS)
def test_secrets_come_from_the_store_as_they_are(name: str, tmp_path: Path) -> None:
    token, environment = fetched(name, tmp_path, {"token": "s3cr3t", "environment": json.dumps(SECRETS)})
    assert token == "s3cr3t"
    assert shown(environment) == SECRETS


@pytest.mark.parametrize("name", CLOUDS)
def test_a_cluster_starts_without_an_environment_of_its_own(name: str, tmp_path: Path) -> None:
    assert fetched(name, tmp_path, {"token": "s3cr3t"}) == ["s3cr3t", ""]


def fetched(name: str, home: Path, store: dict[str, str]) -> list[str]:
    """What the commands of a worker write that fetch from a store that holds so much, as Ray's launcher runs them."""
    fakes = home / "fakes"
    fakes.mkdir()
    (fakes / "store.py").write_text(f"HELD = {store!r}\n")
    (fakes / "boto3.py").write_text(AWS)
    for package in ("google", "google/auth", "google/auth/transport"):
        (fakes / package).mkdir()
        (fakes / package / "__init__.py").touch()
    (fakes / "google/auth/__init__.py").write_text("def default(scopes): return 'me', None\n")
    (fakes / "google/auth/transport/requests.py").write_text(GCP)
    environment = {"HOME": str(home), "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(fakes)}
    for command in read(name)["worker_start_ray_commands"][1:3]:
        assert not set("$`") & set(command)
        subprocess.run(["bash", "-c", f"true && ({command})"], env=environment, check=True)
    files = [home / ".ray" / file for file in ("auth_token", "environment")]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    return [file.read_text() for file in files]


def shown(environment: str) -> dict[str, str]:
    """What a program sees that starts after the file was read."""
    script = f"{environment}\n{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, text=True)
    return {key: value for key, value in json.loads(done.stdout).items() if key in SECRETS}


AWS = """
from store import HELD
from types import SimpleNamespace

class ClientError(Exception):
    response = {"Error": {"Code": "AccessDeniedException"}}

def get_secret_value(SecretId):
    if (name := SecretId.rpartition("-")[2].rpartition("/")[2]) not in HELD:
        raise ClientError("not authorized")
    return {"SecretString": HELD[name]}

def client(service, region_name):
    return SimpleNamespace(get_secret_value=get_secret_value, exceptions=SimpleNamespace(ClientError=ClientError))
"""
GCP = """
from base64 import b64encode
from store import HELD

class Reply:
    def __init__(self, held):
        self.held, self.status_code, self.text = held, 403 if held is None else 200, "denied"

    def raise_for_status(self):
        assert self.status_code == 200

    def json(self):
        return {"payload": {"data": b64encode(self.held.encode()).decode()}}

class AuthorizedSession:
    def __init__(self, who): ...

    def get(self, url):
        return Reply(HELD.get(url.partition("secrets/fsa-ray-")[2].partition("/")[0]))
"""


@pytest.mark.parametrize("name", POLICIES)
def test_machines_may_read_the_secrets_that_they_fetch_and_no_others(name: str) -> None:
    (reading,) = [one for one in policy(name) if one["Action"] == "secretsmanager:GetSecretValue"]
    fetch = " ".join(read("aws")["worker_start_ray_commands"])
    asked = re.findall(r"SecretId='([\w/-]+)'", fetch)
    assert len(asked) == 2
    assert [resource.rpartition(":")[2] for resource in reading["Resource"]] == [f"{secret}-*" for secret in asked]


@pytest.mark.parametrize("name", ALL)
def test_prometheus_finds_the_metrics_of_every_machine(name: str) -> None:
    for role in ("head", "worker"):
        (start,) = [command for command in prepared(name)[f"{role}_start_ray_commands"] if "ray start" in command]
        assert "--metrics-export-port=8080" in start


def test_a_job_finds_our_command_on_machines_without_our_image() -> None:
    for role in ("head", "worker"):
        (start,) = [one for one in read("on-premises")[f"{role}_start_ray_commands"] if "ray start" in one]
        assert re.search(r"; PATH=/opt/fsa_ray/\.venv/bin:\$PATH .* ray start ", start)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_names_what_it_allows(name: str) -> None:
    for statement in policy(name):
        assert statement["Effect"] == "Allow"
        actions, resources = (
            [value] if isinstance(value, str) else value for value in (statement["Action"], statement["Resource"])
        )
        assert not [action for action in actions if "*" in action], statement["Sid"]
        if "*" in resources:  # of these AWS knows no resource, or only describes
            assert all(re.match(r"ec2:Describe|ssm|ecr:GetAuthorizationToken", action) for action in actions)


def test_the_head_passes_the_workers_role_alone() -> None:
    (passing,) = [statement for statement in policy("aws-policy") if statement["Action"] == "iam:PassRole"]
    assert passing["Resource"].endswith(":role/fsa-ray-worker")
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}


def test_workers_may_start_no_machines() -> None:
    head = policy("aws-policy")
    assert all(statement in head for statement in policy("aws-worker-policy"))
    assert not re.search(r'"(ec2|iam|ssm)', json.dumps(policy("aws-worker-policy")))


def test_the_policy_allows_what_the_cluster_file_asks() -> None:
    config, statements = read("aws"), {statement["Sid"]: statement for statement in policy("aws-policy")}
    allowed = statements["StartMachinesOfThisClusterOnly"]["Condition"]["StringEquals"]
    types = {kind["node_config"]["InstanceType"] for kind in workers(config).values()}
    assert set(allowed["ec2:InstanceType"]) == types
    assert allowed["aws:RequestTag/ray-cluster-name"] == config["cluster_name"]
    parts = " ".join(statements["StartThemFromTheseParts"]["Resource"])
    for kind in config["available_node_types"].values():
        node = kind["node_config"]
        for part in (node["ImageId"], *node["SubnetIds"], *node["SecurityGroupIds"]):
            assert part in parts
