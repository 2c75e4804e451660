"""What only looks must not wait for the libraries of those who work."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "ray", "vllm", "deepspeed", "transformers", "datasets", "pandas", "altair")
LOOK = f"""
import sys
from fsa_ray.cli import app
try:
    app(sys.argv[1:])
except SystemExit:
    pass
sys.stderr.write("loaded: " + " ".join(name for name in {HEAVY} if name in sys.modules))
"""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["show"], ["keys"], ["init", "demo"], ["gc"], ["run", "--help"]], ids=" ".join
)
def test_heavy_libraries_are_not_loaded(tmp_path: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stderr.splitlines()[-1] == "loaded: ", done.stderr
