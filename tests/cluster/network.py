"""Machines with addresses of their own on this one: network namespaces on a bridge. Needs root and `ip`."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO


def possible() -> bool:
    return os.geteuid() == 0 and shutil.which("ip") is not None


def _ip(*command: str) -> str:
    done = subprocess.run(["ip", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(command)}: {done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Machine:
    """`name` is that of its namespace, and of this end of its cable."""

    name: str
    address: str

    def start(self, command: Sequence[str], environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        """A process on this machine, in a group of its own."""
        return subprocess.Popen(
            ["ip", "netns", "exec", self.name, *command],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def cut(self) -> None:
        """Nothing reaches it, nothing leaves it."""
        _ip("link", "set", self.name, "down")

    def mend(self) -> None:
        _ip("link", "set", self.name, "up")

    def power_off(self) -> None:
        """Every process on it dies at once."""
        for pid in _ip("netns", "pids", self.name).split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue


class Network:
    """A context; what is on its machines is killed in the end."""

    def __init__(self) -> None:
        token = secrets.token_bytes(2)
        self._bridge, self._prefix = f"fsa{token.hex()}", f"10.{128 + token[0] % 64}.{token[1]}"
        self._machines: list[Machine] = []
        self.address = f"{self._prefix}.1"

    def __enter__(self) -> "Network":
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self.address}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self._machines:
            machine.power_off()
            _ip("netns", "del", machine.name)
        _ip("link", "del", self._bridge)

    def add(self) -> Machine:
        number = len(self._machines) + 2
        machine = Machine(f"{self._bridge}n{number}", f"{self._prefix}.{number}")
        _ip("netns", "add", machine.name)
        self._machines.append(machine)
        _ip("link", "add", machine.name, "type", "veth", "peer", "name", "eth0", "netns", machine.name)
        _ip("link", "set", machine.name, "master", self._bridge, "up")
        _ip("-n", machine.name, "addr", "add", f"{machine.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", machine.name, "link", "set", device, "up")
        return machine
