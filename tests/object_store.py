"""A real S3 server of our own, run by the program that FSA_RAY_S3_SERVER names."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
