"""What users get wrong: exit 2, and a message that names the place and the mend."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from typer.testing import CliRunner

from fsa_ray.cli import app
from fsa_ray.recipes.table import RECIPES

Invoke = Callable[..., Result]


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec over a file of reviews, with an embedded teacher and an embedded student."""
    (tmp_path / "reviews.jsonl").write_text('{"text": "The soup was cold but the waiter was kind."}\n')
    config = {"model_type": "qwen3", "hidden_size": 64}
    document = {
        "name": "mine",
        "corpus": {"path": str(tmp_path / "reviews.jsonl")},
        "teacher": {"embedded": {"config": config, "train": {"max_steps": 2, "global_batch": 2, "learning_rate": 0.1}},
                    "style": "compact"},
        "score": {"model": "teacher"},
        "student": {"config": config},
    }  # fmt: skip
    (tmp_path / "spec.yaml").write_text(yaml.safe_dump(document))
    return tmp_path / "spec.yaml"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("teacher.embedded=null", "exactly one of `model`"),
        ("corpus.path=nowhere.jsonl", "nowhere.jsonl: no such file"),
        ("corpus.text_column=body", None),
        ("select.rate=-1", "select.rate"),
        ("selct.rate=1", "did you mean 'select'"),
        ("score.model=gold", "there is no `gold` section"),
        ("score.model=./missing", "no config.json there"),
        ("score.model=nonsense", "neither a directory here nor a hub id"),
        ("score.model=a/b", "also give `revision`"),
        ("evaluate={data: nowhere, tasks: [sst2]}", "nowhere/sc/sst2/test.json is missing"),
        ("evaluate={data: nowhere, tasks: [sst3]}", "no task 'sst3'"),
        ("recipe=distill", "did you mean 'distil'"),
        ("recipe=[a]", "no recipe is called ['a']"),
        ("teacher={model: a/b, revision: put the commit here}", "put a commit of that repository there"),
        ("select={rate: 0.5, rate: 1}", "line 1: the key 'rate' was there already in line 1"),
        ("select={rate: 0.5", "--set select={rate: 0.5: not YAML (while parsing"),
    ],
)
def test_a_wrong_spec(invoke: Invoke, spec: Path, change: str, said: str | None) -> None:
    done = invoke("plan", spec, "--set", change)
    if said is None:  # what only the file can tell is found when it is read
        done = invoke("run", spec, "--set", change, "--until", "ingest")
        said = "corpus.text_column"
    assert done.exit_code == 2, done.output
    assert said in done.stderr


@pytest.mark.parametrize("text", ["", "\n\n", "{broken\n", "\x00\x01"])
def test_a_corpus_without_a_review(invoke: Invoke, spec: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "reviews.jsonl").write_text(text)
    done = invoke("run", spec, "--until", "ingest")
    assert done.exit_code == 2
    assert "reviews.jsonl" in done.stderr and "no review can be read" in done.stderr


def test_files_that_are_left_out_are_told(invoke: Invoke, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "reviews.jsonl").rename(tmp_path / "corpus" / "reviews.jsonl")
    (tmp_path / "corpus" / "reviews.xlsx").write_text("")
    done = invoke("run", spec, "--until", "ingest", "--set", f"corpus.path={tmp_path / 'corpus'}")
    assert "files of other kinds are left out: reviews.xlsx" in " ".join(done.stderr.split())
    record = json.loads(invoke("show", "mine", "ingest", "--json").stdout)["record"]
    assert record["measures"]["files_ignored"] == 1


def test_a_root_that_cannot_be_written(invoke: Invoke, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = invoke("run", spec, "--until", "ingest", "--root", tmp_path / "file" / "runs")
    assert done.exit_code == 2 and "--root" in done.stderr


def test_a_file_that_cannot_be_used_is_not_blamed_on_the_root(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    data = tmp_path / "data" / "sc" / "sst2"
    data.mkdir(parents=True)
    (data / "test.json").write_text(json.dumps([{"sentence": "warm soup", "label": "positive"}]))
    for command, wrong in (
        (("export", "--shots", "0"), "file/tasks"),
        (("evaluate", "--predictions"), "file/mine.jsonl"),
    ):
        done = invoke(*command, wrong, "--task", "sst2", "--data", tmp_path / "data")
        assert done.exit_code == 2, done.output
        assert wrong in done.stderr and "--root" not in done.stderr


@pytest.mark.parametrize(
    ("root", "said"),
    [
        ("/proc/x", "no folder can be made there: /proc/x"),
        ("gs://bucket/prefix", ": Please install gcsfs"),
        ("nothing://x", ": Protocol not known"),
    ],
)
def test_a_root_that_cannot_be(invoke: Invoke, spec: Path, root: str, said: str) -> None:
    done = invoke("run", spec, "--until", "ingest", "--root", root)
    assert done.exit_code == 2, done.output
    assert said in done.stderr


def mounted(folder: Path, *options: str) -> bool:
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)], capture_output=True, check=False)
    return done.returncode == 0


def test_a_read_only_root_and_a_full_disk(invoke: Invoke, spec: Path, tmp_path: Path) -> None:
    if not mounted(tmp_path / "sealed", "-o", "ro"):
        pytest.skip("needs to mount a tmpfs")
    try:
        sealed = invoke("run", spec, "--until", "ingest", "--root", tmp_path / "sealed")
        assert sealed.exit_code == 2 and "choose a place you may write" in sealed.stderr
    finally:
        subprocess.run(["umount", str(tmp_path / "sealed")], check=True)
    lines = [json.dumps({"text": f"review number {n} of the soup: {hash(str(n))}"}) for n in range(20_000)]
    (tmp_path / "reviews.jsonl").write_text("\n".join(lines))
    assert mounted(tmp_path / "small", "-o", "size=200k")
    try:
        full = invoke("run", spec, "--until", "ingest", "--root", tmp_path / "small")
        assert full.exit_code == 1 and "the disk is full" in full.stderr
        assert not list((tmp_path / "small").rglob("record.json"))
        assert not list((tmp_path / "small").rglob("*.part")), "nothing torn is left behind"
    finally:
        subprocess.run(["umount", str(tmp_path / "small")], check=True)
    assert invoke("run", spec, "--until", "ingest", "--root", tmp_path / "large").exit_code == 0


def test_names_that_nobody_knows(invoke: Invoke, spec: Path) -> None:
    assert invoke("run", spec, "--until", "ingest").exit_code == 0
    for arguments in (("show", "other"), ("verify", "other"), ("report", "other")):
        done = invoke(*arguments)
        assert done.exit_code == 2 and "there are: mine" in done.stderr
    done = invoke("show", "mine", "stage-x")
    assert done.exit_code == 2 and "ingest" in done.stderr
    done = invoke("run", spec, "--until", "nothing")
    assert done.exit_code == 2 and "no stage is called 'nothing'" in done.stderr
    for option in ("--allow", "--until", "--retry-failed"):
        done = invoke("run", spec, option, "teech")
        assert done.exit_code == 2 and "did you mean 'teach'" in done.stderr


def test_an_unfinished_run_has_no_report_and_does_not_verify(invoke: Invoke, spec: Path) -> None:
    assert invoke("run", spec, "--until", "ingest").exit_code == 0
    assert "is not finished" in invoke("report", "mine").stderr
    verdict = invoke("verify", "mine", "--json")
    assert verdict.exit_code == 1
    assert json.loads(verdict.stdout)["passed"] is False


def test_reviews_that_no_evaluation_text_is_held_against(invoke: Invoke, spec: Path) -> None:
    for command in (("plan", spec, "--json"), ("run", spec, "--until", "ingest")):
        done = invoke(*command)
        assert done.exit_code == 0, done.output
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("warning:")]
        assert "evaluate.data" in line
        assert "warning" not in done.stdout
    quiet = invoke("plan", spec, "--set", "evaluate.invented=5")
    assert "warning" not in quiet.stderr


def test_a_placement_with_a_typing_error(invoke: Invoke, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "place.yaml").write_text("prices: {promt: 1}\n")
    assert invoke("run", spec, "--until", "ingest").exit_code == 0
    for command in (("plan", spec), ("report", "mine")):
        done = invoke(*command, "--placement", tmp_path / "place.yaml")
        assert done.exit_code == 2 and "did you mean 'prompt'" in done.stderr


def test_a_key_that_stands_twice(invoke: Invoke, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "place.yaml").write_text("train:\n  workers: 1\n  micro_batch: 1\n  workers: 2\n")
    done = invoke("plan", spec, "--placement", tmp_path / "place.yaml")
    assert done.exit_code == 2
    assert "place.yaml: line 4: the key 'workers' was there already in line 2" in done.stderr
    spec.write_text(spec.read_text() + "name: other\n")
    done = invoke("plan", spec)
    assert done.exit_code == 2 and "the key 'name' was there already" in done.stderr


def test_a_limit_on_money_without_prices(invoke: Invoke, spec: Path, tmp_path: Path) -> None:
    for command in ("plan", "run"):
        done = invoke(command, spec, "--set", "budget.money=5")
        assert done.exit_code == 2, done.output
        assert "budget.money: 5" in done.stderr and "prices" in done.stderr and "--placement" in done.stderr
    assert not list((tmp_path / "runs").rglob("record.json"))
    (tmp_path / "place.yaml").write_text("prices: {prompt: 0.5, output: 1.5}\n")
    assert invoke("plan", spec, "--set", "budget.money=5", "--placement", tmp_path / "place.yaml").exit_code == 0


def test_a_global_batch_that_the_placement_does_not_divide(invoke: Invoke, spec: Path, tmp_path: Path) -> None:
    (tmp_path / "place.yaml").write_text("train: {workers: 3, micro_batch: 2}\n")
    for command in ("plan", "run"):
        done = invoke(command, spec, "--placement", tmp_path / "place.yaml")
        assert done.exit_code == 2, done.output
        assert "is not a multiple of workers x micro_batch (3 x 2)" in done.stderr
    assert not list((tmp_path / "runs").rglob("record.json"))


def test_init_names_every_starter(invoke: Invoke) -> None:
    told = set(invoke("init", "--help").stdout.replace(",", " ").replace(".", " ").split())
    assert set(RECIPES) <= told


def test_init_never_overwrites(invoke: Invoke) -> None:
    assert invoke("init", "demo").exit_code == 0
    done = invoke("init", "demo")
    assert done.exit_code == 2 and "spec.yaml is there already" in done.stderr
    assert invoke("plan", "spec.yaml", "--json").exit_code == 0


def test_init_into_a_folder_that_is_not_there(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in ("nodir", "file"):
        done = invoke("init", "-o", f"{folder}/spec.yaml")
        assert done.exit_code == 2, done.output
        assert f"there is no folder {folder}; make it, or choose another with --output" in done.stderr


def test_the_wrong_extension_is_found_before_the_work(invoke: Invoke) -> None:
    done = invoke("predict", "mine", "in.jsonl", "out.txt")
    assert done.exit_code == 2 and "out.txt" in done.stderr


def test_doctor_and_gc_on_an_empty_root(invoke: Invoke) -> None:
    verdict = invoke("doctor", "--json")
    document = json.loads(verdict.stdout)
    assert {check["name"] for check in document["checks"]} == {"versions", "storage", "placement", "memory"}
    assert next(check for check in document["checks"] if check["name"] == "storage")["passed"]
    assert "0 folders" in invoke("gc").stdout
