"""A Ray of several machines, which can be lost in several ways, and jobs on it."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.network import Machine, Network

RAY = str(Path(sys.executable).with_name("ray"))
FSA_RAY = str(Path(sys.executable).with_name("fsa-ray"))
CPUS = 3
"""Of each machine but the head, which has 1."""


class Cluster:
    """A context. `environment` is that of every machine, beside this process's own."""

    def __init__(self, network: Network, folder: Path, environment: dict[str, str]) -> None:
        self._network, self._folder = network, folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
            **environment,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_enable_metrics_collection": "0",
            "RAY_prestart_worker_first_driver": "0",
            "RAY_worker_niceness": "0",
            "OMP_WAIT_POLICY": "passive",  # these machines share cores: who spins takes them from those that work
        }
        self._ids: dict[Machine, str] = {}
        self.lost: list[str] = []
        self._head = network.add()
        self._start(self._head, "--head", "--port=6379", "--num-cpus=1", "--dashboard-host=0.0.0.0")
        self._await_dashboard()

    @property
    def workers(self) -> list[Machine]:
        return list(self._ids)

    def add(self) -> Machine:
        machine = self._network.add()
        self._ids[machine] = self._start(machine, f"--address={self._head.address}:6379", f"--num-cpus={CPUS}")
        return machine

    def kill(self, machine: Machine) -> None:
        self.lost.append(f"{machine.address} killed")
        del self._ids[machine]
        machine.power_off()

    def drain(self, machine: Machine, seconds: int) -> None:
        """As a cloud takes a spot machine: a notice, and after that time an end."""
        self.lost.append(f"{machine.address} drained")
        notice = [
            RAY, "drain-node", f"--address={self._head.address}:6379", f"--node-id={self._ids.pop(machine)}",
            "--reason=DRAIN_NODE_REASON_PREEMPTION", "--reason-message=spot", f"--deadline-remaining-seconds={seconds}",
        ]  # fmt: skip
        subprocess.run(notice, env=self._environment, check=True, capture_output=True)
        time.sleep(seconds)
        machine.power_off()

    def cut(self, machine: Machine, seconds: float) -> None:
        """A switch that fails for a while. Ray may take the machine for dead meanwhile, so it does not count on."""
        self.lost.append(f"{machine.address} cut off for {seconds:g} s")
        del self._ids[machine]
        machine.cut()
        time.sleep(seconds)
        machine.mend()

    def submit(self, working_dir: Path, *command: str) -> "Job":
        return Job(self._head, working_dir, [FSA_RAY, *command], self._environment, self._folder)

    def _start(self, machine: Machine, *options: str) -> str:
        folder, node_id = self._folder / machine.name, secrets.token_hex(28)
        folder.mkdir()
        own = {
            "TMPDIR": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "RAY_OVERRIDE_NODE_ID_FOR_TESTING": node_id,
        }
        command = [
            RAY, "start", "--block", *options, f"--node-ip-address={machine.address}", f"--temp-dir={folder}",
            f"--object-store-memory={512 << 20}", "--disable-usage-stats",
        ]  # fmt: skip
        with (self._folder / f"{machine.name}.log").open("wb") as log:
            machine.start(command, {**self._environment, **own}, log)
        return node_id

    def _await_dashboard(self) -> None:
        deadline = time.monotonic() + 120
        command = [RAY, "job", "list", f"--address=http://{self._head.address}:8265"]
        while subprocess.run(command, env=self._environment, capture_output=True, check=False).returncode != 0:
            assert time.monotonic() < deadline, (self._folder / f"{self._head.name}.log").read_text()
            time.sleep(1)


class Job:
    """A command line, submitted as users do; `ray job submit` runs on until the job ends."""

    def __init__(
        self, head: Machine, working_dir: Path, command: Sequence[str], environment: dict[str, str], folder: Path
    ) -> None:
        submit = [RAY, "job", "submit", f"--address=http://{head.address}:8265", f"--working-dir={working_dir}", "--"]
        self.log = folder / f"job-{secrets.token_hex(3)}.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([*submit, *command], env=environment, stdout=log, stderr=log)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def succeeded(self) -> bool:
        return self._process.wait() == 0

    def told(self) -> str:
        return self.log.read_text("utf-8", errors="replace")
