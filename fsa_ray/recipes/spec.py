"""The YAML that a user writes. Field descriptions are the comments of `fsa-ray init` and the texts of the errors."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    Field,
    ValidationError,
    model_validator,
)

from fsa_ray.core.budget import Budget
from fsa_ray.core.explain import explain
from fsa_ray.core.yamlfile import parse_yaml, read_yaml
from fsa_ray.recipes.document import place
from fsa_ray.recipes.grid import Grid
from fsa_ray.recipes.section import Distinct, Location, Section
from fsa_ray.recipes.teacher_spec import Teacher
from fsa_ray.training.settings import TrainSettings


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
