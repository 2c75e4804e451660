"""The YAML that a user writes. Field descriptions are the comments of `fsa-ray init` and the texts of the errors."""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
    field_validator,
    model_validator,
)

from fsa_ray.core.budget import Budget
from fsa_ray.core.explain import explain
from fsa_ray.core.yamlfile import parse_yaml, read_yaml
from fsa_ray.recipes.document import place
from fsa_ray.recipes.grid import Grid
from fsa_ray.sentiment.perspectives import Kind
from fsa_ray.training.settings import TrainSettings


def _expanded(path: str) -> str:
    """`${NAME}` and `~` in a path stand for the environment variable and the home directory."""
    expanded = os.path.expandvars(os.path.expanduser(path))  # noqa: PTH111 - a URL is no Path
    if "${" in expanded:
        raise ValueError(f"{path!r} names an environment variable that is not set")
    return expanded


Location = Annotated[str, AfterValidator(_expanded)]
"""Where outside data lie: a path or URL."""


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    twice = next((value for value in values if values.count(value) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} is listed twice; the second would be asked and paid for again")
    return values


Once = AfterValidator(_distinct)
"""A list in which nothing stands twice: ids are made from what stands there."""

Distinct = Annotated[tuple[str, ...], Once]


class Section(BaseModel):
    """Base of every part of a spec: unknown keys are refused, values never change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Corpus(Section):
    """The reviews to learn from: `path`, or `invented` where there are none at hand."""

    path: Location | None = Field(
        None, description="file or folder: jsonl, csv, parquet, txt, or a `datasets` directory"
    )
    text_column: str = Field("text", description="column that holds the review")
    id_column: str | None = Field(None, description="column of your own ids; default: `id` if there is one")
    domain_column: str | None = Field(None, description="column that says what is reviewed; default: `domain`")
    invented: int | None = Field(None, ge=1, description="instead of a path: invent so many reviews")
    limit: int | None = Field(None, ge=1, description="use at most so many reviews, drawn by the seed")
    min_chars: int = Field(10, ge=1, description="shorter reviews are rejected")
    max_chars: int = Field(4000, ge=1, description="longer reviews are rejected")
    languages: tuple[str, ...] = Field((), description="keep only these, as ISO 639-1 codes; empty keeps all")
    mask: bool = Field(False, description="mask e-mail addresses and phone numbers before the teacher reads them")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.invented is None):
            raise ValueError("give exactly one of `path` and `invented`")
        return self


class Deduplicate(Section):
    """Equal reviews are always dropped; near ones by estimated Jaccard similarity of word shingles."""

    near: bool = Field(True, description="drop near duplicates as well")
    similarity: float = Field(0.8, gt=0, le=1, description="from this similarity on, two reviews count as one")


class Decontaminate(Section):
    """Reviews that share text with the evaluation data, or with what a trained teacher learned from, are dropped."""

    ngram: int = Field(13, ge=3, description="so many words in a row count as shared text")


class EndpointSpec(Section):
    """A teacher behind an OpenAI-compatible server. Errors do not repeat what it says: it may be a misplaced key."""

    model_config = ConfigDict(hide_input_in_errors=True)

    url: str = Field(description="base URL, for example http://localhost:8000/v1")
    model: str = Field(description="the model's name there")
    key_variable: str = Field("OPENAI_API_KEY", description="environment variable that holds the key")

    @field_validator("url")
    @classmethod
    def _without_credentials(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError(
                "expected http:// or https://, a host and a path, and nothing else; "
                "a password or key goes into the environment variable that `key_variable` names"
            )
        return url

    @field_validator("key_variable")
    @classmethod
    def _a_name(cls, name: str) -> str:
        # Upper case alone, as is the custom: the keys of many providers would pass for names in small letters.
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", name):
            raise ValueError(
                "expected the name of an environment variable in capital letters, such as MY_KEY, not the key itself"
            )
        return name


class EmbeddedTeacher(Section):
    """A small teacher trained here, for runs that may download nothing."""

    config: dict[str, Any] = Field(description="a transformers config with its model_type; vocab_size is filled in")
    vocabulary: int = Field(1500, ge=300, description="tokens of the byte-pair tokenizer")
    sequence_length: int = Field(512, ge=32, description="tokens of a packed training row")
    train: TrainSettings = Field(description="how it is trained")
    invented: int = Field(6000, ge=0, description="invented labelled reviews to train on")
    rewritings: int = Field(1500, ge=0, description="how many of them are also answered for the further prompts")
    benchmark: Location | None = Field(None, description="also train on the train splits of this SentiBench folder")
    tasks: Distinct = Field((), description="the tasks whose train splits are used")


AskedAgain = Literal["teach", "teach-rewriting", "respond", "align", "align-other"]
"""Labels of the stages whose failed rows can be asked again."""


class Teacher(Section):
    """Who writes about the reviews: exactly one of `model`, `endpoint`, `embedded`."""

    model: str | None = Field(None, description="directory or URL of a Hugging Face causal LM, or a hub id")
    revision: str | None = Field(None, description="commit of the hub repository; needed with a hub id")
    trust_remote_code: bool = Field(False, description="run the model repository's own code")
    endpoint: EndpointSpec | None = Field(None, description="an OpenAI-compatible server instead")
    embedded: EmbeddedTeacher | None = Field(None, description="a small teacher trained here instead")
    prompts: Annotated[tuple[Kind, ...], Once] = Field(
        ("analysis", "rewriting"), min_length=1, description="what it is asked about each review: perspectives"
    )
    weigh_labels: bool = Field(
        False, description="also ask for the probabilities of the polarities, where the style json costs a request"
    )
    rewriting_share: float = Field(1.0, gt=0, le=1, description="share of the reviews that it also rewrites")
    style: Literal["json", "compact"] = Field("json", description="of the analysis: JSON by schema, or short lines")
    temperature: float = Field(0.0, ge=0, le=2, description="0 is greedy")
    top_p: float = Field(1.0, gt=0, le=1, description="nucleus of the sampling")
    max_tokens: int = Field(512, ge=8, description="longest answer; a longer one is an error")
    max_length: int = Field(4096, ge=64, description="prompt and answer together")
    retries: int = Field(2, ge=0, le=10, description="rounds that ask failed answers again, at temperature 0.7")
    ask_again: NonNegativeInt | dict[AskedAgain, NonNegativeInt] = Field(
        0, description="how often failed rows were asked again with --retry-failed: of all stages, or of each by label"
    )
    precision: Literal["fp32", "bf16"] = Field("bf16", description="in which the engine computes")

    @model_validator(mode="after")
    def _one_teacher(self) -> Self:
        if sum(given is not None for given in (self.model, self.endpoint, self.embedded)) != 1:
            raise ValueError("give exactly one of `model`, `endpoint` and `embedded`")
        if self.weigh_labels and self.endpoint is not None:
            raise ValueError("an endpoint does not tell the probabilities of label words; leave `weigh_labels` out")
        return self

    def rounds(self, label: AskedAgain) -> int:
        """How often the failed rows of that stage are asked again."""
        return self.ask_again.get(label, 0) if isinstance(self.ask_again, dict) else self.ask_again


class Parse(Section):
    """Answers that cannot be read, or quote what the review lacks, are rejected."""

    partial: Literal["keep", "drop"] = Field("keep", description="an answer some of whose opinions were rejected")


class Score(Section):
    """How hard each example is for a proxy model: the ranking-based difficulty of CompEffDist, or another metric."""

    model: str = Field(
        "student", description="who scores: student (as it starts), gold, teacher, or a path, URL, hub id"
    )
    revision: str | None = Field(None, description="commit of the hub repository")
    metric: Literal["rank", "perplexity", "ifd", "length", "entropy", "margin"] = Field(
        "rank",
        description="rank: CompEffDist's; perplexity of the answer; ifd: that over the perplexity without its prompt; "
        "length: tokens of the answer; entropy, margin: the teacher's doubt between label words, without a proxy; "
        "of answers that begin with none, such as rewritings, the same share is drawn at random",
    )
    tau: float = Field(0.95, gt=0, lt=1, description="probability mass of the nucleus that ranks are measured against")
    count_top: bool = Field(False, description="let tokens that the model ranks first count as zeros in the mean")
    max_length: int = Field(2048, ge=64, description="longer examples get an error instead of a score")

    @model_validator(mode="after")
    def _of_ranks(self) -> Self:
        if self.metric != "rank" and (self.tau, self.count_top) != (0.95, False):
            raise ValueError(f"`tau` and `count_top` are of the metric rank; leave them out with {self.metric}")
        return self


class Select(Section):
    """Difficulty-prioritised sampling of CompEffDist."""

    rate: float = Field(0.5, gt=0, le=1, description="share of the examples that is kept")
    peak: float = Field(1.0, ge=0, le=1, description="difficulty quantile that is kept most: 1 is the hardest")
    mode: Literal["soft", "hard", "random"] = Field("soft", description="by probability, the top share, or at random")
    per_prompt: bool = Field(True, description="within each prompt, so that no prompt starves")
    exact: bool = Field(True, description="keep exactly the rate's share")


class Student(Section):
    """The small model: starting weights by `model`, or made from `config` with random weights."""

    model: str | None = Field(None, description="directory or URL of a Hugging Face model, or a hub id")
    revision: str | None = Field(None, description="commit of the hub repository; needed with a hub id")
    trust_remote_code: bool = Field(False, description="run the model repository's own code")
    config: dict[str, Any] | None = Field(None, description="a transformers config instead of weights")
    vocabulary: int = Field(1500, ge=300, description="tokens of its tokenizer, with `config`")
    sequence_length: int = Field(2048, ge=32, description="tokens of a packed training row")

    @model_validator(mode="after")
    def _one_start(self) -> Self:
        if (self.model is None) == (self.config is None):
            raise ValueError("give exactly one of `model` and `config`")
        return self


class Gold(Section):
    """A control: the same student on gold labels alone."""

    labels: int = Field(150, ge=1, description="labelled reviews that it may see")
    benchmark: Location | None = Field(
        None, description="take them from this SentiBench folder; else they are invented"
    )
    tasks: Distinct = Field((), description="the tasks whose train splits are used")


class Evaluation(Section):
    """What is measured: SentiBench tasks from a folder in the official layout, or invented labelled reviews."""

    data: Location | None = Field(None, description="folder of SentiBench, or of the FSA benchmark")
    tasks: Distinct = Field((), description="tasks there")
    invented: int | None = Field(None, ge=1, description="invented test reviews")
    limit: int | None = Field(None, ge=1, description="at most so many items of a task")
    max_tokens: int = Field(256, ge=8, description="longest answer of a student in its own format")

    @model_validator(mode="after")
    def _names_tasks(self) -> Self:
        if self.data is not None and not self.tasks:
            raise ValueError(f"`data` is {self.data}, but no `tasks` there are named")
        return self


class Spec(Section):
    """A distillation run."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="results are found under this name")
    recipe: str = Field("distil", description="what is built from this spec")
    seed: int = Field(42, description="of every random choice")
    trial: int = Field(
        0, ge=0, description="which repetition: another draw in select, other weights and order of the student"
    )
    corpus: Corpus
    deduplicate: Deduplicate = Deduplicate()
    decontaminate: Decontaminate = Decontaminate()
    teacher: Teacher
    parse: Parse = Parse()
    score: Score = Score()
    select: Select = Select()
    student: Student
    train: TrainSettings = Field(
        TrainSettings(epochs=4, global_batch=128, learning_rate=5e-5), description="how the student is trained"
    )
    held_out: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of the reviews at which a training with `watch` looks instead of learning",
    )
    gold: Gold | None = Field(None, description="also train the student on gold labels alone, for comparison")
    evaluate: Evaluation = Evaluation()
    budget: Budget = Field(Budget(), description="where the run stops cleanly; raise it and run again to go on")
    grid: Grid | None = Field(None, description="what varies: a run of every combination, and one table of them all")

    def piloted(self, limit: int) -> Self:
        """The same on at most `limit` reviews, under a name of its own and without the grid. Recipes that count what
        they ask otherwise bound that too."""
        corpus = self.corpus.model_copy(update={"limit": min(limit, self.corpus.limit or limit)})
        return self.model_copy(update={"corpus": corpus, "name": f"{self.name}-pilot", "grid": None})


def read_spec(path: Path, overrides: list[str]) -> dict[str, Any]:
    """The YAML document at `path` with `a.b=c` overrides applied; values are YAML. Raises ValueError."""
    document = read_yaml(path)
    if not isinstance(document, dict):
        raise ValueError(f"{path}: expected a mapping with keys such as `name`, `corpus`, `teacher`")
    for override in overrides:
        _apply(document, override)
    return document


def validate(document: dict[str, Any], model: type[Spec], source: str) -> Spec:
    """Raises ValueError that names the file, the key and the mend."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ValueError(explain(error, model, source)) from None  # pydantic's own words repeat what was given


def _apply(document: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ValueError(f"--set {override}: expected a.b=value")
    given = parse_yaml(value, f"--set {override}")
    try:
        place(document, key, given)
    except ValueError as error:
        raise ValueError(f"--set {override}: {error}") from error
