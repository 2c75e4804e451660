"""A real S3 server of our own for all tests here: the program that FSA_RAY_S3_SERVER names."""

import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from fsa_ray.cli import app
from fsa_ray.storage.folder import Folder


class Server:
    """`program` knows start, stop, kill (SIGKILL; start brings everything back), status and env."""

    def __init__(self, program: str, data: Path) -> None:
        self._program, self._data, self._port = program, data, "0"  # 0: any free port, and later the same

    def start(self) -> None:
        self._call("start", "--port", self._port)

    def kill(self) -> None:
        self._call("kill")

    def wipe(self) -> None:
        self._call("stop", "--wipe")

    def environment(self) -> dict[str, str]:
        lines = [line.removeprefix("export ") for line in self._call("env").splitlines()]
        return dict(line.split("=", 1) for line in lines)

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """The gateway takes connections, since the system does that, and never answers."""
        gateway = int(dict(line.split("=", 1) for line in self._call("status").splitlines())["pid"])
        os.kill(gateway, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(gateway, signal.SIGCONT)

    def _call(self, *command: str) -> str:
        done = subprocess.run(
            [self._program, *command, "--data", str(self._data)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Running, and named by this process's environment, which children and Ray's workers inherit."""
    program = os.environ.get("FSA_RAY_S3_SERVER")
    if not program:
        pytest.skip("FSA_RAY_S3_SERVER names no program that runs an S3 server")
    server = Server(program, tmp_path_factory.mktemp("s3") / "data")
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        try:
            for name, value in server.environment().items():
                patch.setenv(name, value)
            yield server
        finally:
            server.wipe()


@pytest.fixture
def bucket(server: Server) -> str:
    """The URL of a new bucket."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    Folder(f"s3://{name}").fs.mkdir(name)
    return f"s3://{name}"


@pytest.fixture
def root(bucket: str) -> Folder:
    return Folder(f"{bucket}/runs")


def invoke(*arguments: object) -> Result:
    """The command line in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write_spec(path: Path, reviews: str) -> Path:
    """A spec over these reviews, with a small teacher and a small student."""
    config = {"model_type": "qwen3", "hidden_size": 64}
    train = {"max_steps": 2, "global_batch": 2, "learning_rate": 0.1}
    document = {
        "name": "mine",
        "corpus": {"path": reviews},
        "teacher": {"embedded": {"config": config, "train": train}, "style": "compact"},
        "score": {"model": "teacher"},
        "student": {"config": config},
    }
    path.write_text(yaml.safe_dump(document))
    return path
