"""The spec: what it refuses, in which words; overrides; and that starters are valid specs."""

import traceback
from pathlib import Path

import pytest
import yaml

from fsa_ray.recipes.spec import Evaluation, Spec, read_spec, validate
from fsa_ray.recipes.starter import render
from fsa_ray.recipes.table import RECIPES, build, load_pipeline


def demo() -> dict[str, object]:
    return yaml.safe_load(yaml.safe_dump(RECIPES["demo"].starter))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("techer", {}, "did you mean 'teacher'"),
        ("select.rat", 0.5, "did you mean 'rate'"),
        ("select.rate", -0.5, "select.rate: Input should be greater than 0 (given: -0.5)"),
        ("teacher.embedded.train.learning_rat", 1, "did you mean 'learning_rate'"),
        ("corpus.path", "x.jsonl", "exactly one of `path` and `invented`"),
        ("teacher.model", "x", "exactly one of `model`, `endpoint` and `embedded`"),
        ("score", {"metric": "ifd", "tau": 0.9}, "`tau` and `count_top` are of the metric rank"),
        ("name", "a b", "name"),
        ("evaluate.data", "${NO_SUCH_PLACE}/sentibench", "names an environment variable that is not set"),
        ("budget.tokens", 0, "budget.tokens"),
    ],
)
def test_a_mistake_is_named_with_its_place(path: str, value: object, said: str) -> None:
    document = demo()
    place = document
    *parents, last = path.split(".")
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    with pytest.raises(ValueError, match=r"demo\.yaml") as error:
        validate(document, Spec, "demo.yaml")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ({"url": "https://me:hunter2@host/v1"}, "teacher.endpoint.url"),
        ({"url": "https://hunter2@host/v1"}, "`key_variable` names"),
        ({"url": "https://host/v1?api_key=hunter2"}, "teacher.endpoint.url"),
        ({"url": "https://host?hunter2"}, "teacher.endpoint.url"),
        ({"url": "htps://me:hunter2@host/v1"}, "expected http:// or https://"),
        ({"url": "https://host/v1", "key_variable": "sk-hunter2"}, "the name of an environment variable"),
        ({"url": "https://host/v1", "key_variable": "gsk_hunter2"}, "teacher.endpoint.key_variable"),
        ({"url": "https://host/v1", "key": "hunter2"}, "there are: key_variable, model, url"),
        ("https://me:hunter2@host/v1", "teacher.endpoint"),
    ],
)
def test_a_misplaced_key_is_refused_and_not_repeated(endpoint: object, said: str) -> None:
    given = {"model": "m", **endpoint} if isinstance(endpoint, dict) else endpoint
    document = {**demo(), "teacher": {"endpoint": given}}
    with pytest.raises(ValueError, match=r"demo\.yaml") as error:
        validate(document, Spec, "demo.yaml")
    assert said in str(error.value)
    assert "hunter2" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("url", ["http://localhost:8000/v1", "https://host", "http://[::1]:8000/v1/@team/x"])
def test_an_endpoint_s_url_may_be(url: str) -> None:
    document = {**demo(), "teacher": {"endpoint": {"url": url, "model": "m", "key_variable": "MY_KEY_2"}}}
    endpoint = validate(document, Spec, "demo.yaml").teacher.endpoint
    assert endpoint is not None and endpoint.url == url


def test_overrides_are_yaml_and_make_sections(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("name: x\n")
    read = read_spec(file, ["select.rate=0.25", "corpus.languages=[en, de]", "name=1e", "budget.tokens=5"])
    corpus = {"languages": ["en", "de"]}
    assert read == {"name": "1e", "select": {"rate": 0.25}, "corpus": corpus, "budget": {"tokens": 5}}


@pytest.mark.parametrize("override", ["select.rate", "=3", "name.x=1"])
def test_an_override_without_sense_is_refused(tmp_path: Path, override: str) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("name: x\n")
    with pytest.raises(ValueError, match="--set"):
        read_spec(file, [override])


@pytest.mark.parametrize("text", ["", "- a\n", "name: [\n", "\x00"])
def test_a_file_that_is_no_spec_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"spec\.yaml"):
        load_pipeline(file, [])


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_init_writes_is_a_valid_spec_that_says_the_same(recipe: str) -> None:
    found = RECIPES[recipe]
    text = render(found.starter, found.about, found.spec)
    assert yaml.safe_load(text) == found.starter
    validate(yaml.safe_load(text), found.spec, "starter")


@pytest.mark.parametrize("recipe", ["demo", "ablation", "soft-labels"])
def test_the_jobs_are_what_init_writes(recipe: str) -> None:
    found = RECIPES[recipe]
    job = Path(__file__).parents[3] / "jobs" / f"{recipe}.yaml"
    assert job.read_text() == render(found.starter, found.about, found.spec)


def test_an_unknown_recipe_is_answered_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match="did you mean 'distil'"):
        build({**demo(), "recipe": "distill"}, "spec.yaml")


def test_a_pilot_has_a_name_and_a_limit_of_its_own() -> None:
    pilot = build(demo(), "spec.yaml", limit=7)
    assert pilot.spec.name == "demo-pilot"
    assert pilot.pipeline.stages["ingest"].count == 7


def test_a_proxy_that_knows_nothing_is_refused() -> None:
    document = demo()
    document["score"] = {"model": "student"}
    with pytest.raises(ValueError, match="knows nothing before training"):
        build(document, "spec.yaml")


def test_placement_and_budget_do_not_change_what_is_computed() -> None:
    document = demo()
    document["budget"] = {"tokens": 1000}
    stages = build(document, "spec.yaml").pipeline.stages
    assert {label: stage.fingerprint for label, stage in stages.items()} == {
        label: stage.fingerprint for label, stage in build(demo(), "spec.yaml").pipeline.stages.items()
    }


def test_paths_may_name_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    document = demo()
    document["evaluate"] = {"data": "${NOBODY_SETS_THIS}/bench", "tasks": ["sst2"]}
    with pytest.raises(ValueError, match="environment variable that is not set"):
        validate(document, Spec, "spec.yaml")
    monkeypatch.setenv("NOBODY_SETS_THIS", "/data")
    assert validate(document, Spec, "spec.yaml").evaluate.data == "/data/bench"


def test_a_url_stays_in_the_spec_as_it_is() -> None:
    """Not the copy on one machine: others read the stored spec."""
    assert Evaluation(data="s3://bucket/sentibench", tasks=("sst2",)).data == "s3://bucket/sentibench"
