"""The students of a run: what they start from, what they learn from, and the control on gold labels."""

from typing import Any

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.architecture import config_of, require_causal
from fsa_ray.recipes.spec import Spec
from fsa_ray.recipes.trainable import require_weighed_analyses
from fsa_ray.stages.doubt import Doubt
from fsa_ray.stages.gold import GoldExamples
from fsa_ray.stages.hold_out import HeldOut, Remaining
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.labels import BenchmarkLabels
from fsa_ray.stages.model import Model, model_stage
from fsa_ray.stages.pack import Pack
from fsa_ray.stages.parse import Parse
from fsa_ray.stages.score import Score
from fsa_ray.stages.select import Select
from fsa_ray.stages.tokenizer import LearnTokenizer
from fsa_ray.stages.train import Train
from fsa_ray.training.settings import TrainSettings


def start_of(spec: Spec, stages: dict[str, Stage[Any]], *examples: Stage[Rows]) -> dict[str, Any]:
    """How a causal student begins: the fields of `Train` that say so. Raises ValueError for another kind."""
    student = spec.student
    if student.model is not None:
        stages["start"] = start = model_stage(student.model, student.revision, student.trust_remote_code)
        require_causal("student.model", config_of(start))
        return {"start": start}
    assert student.config is not None
    require_causal("student.config", student.config)
    tokenizer = LearnTokenizer(examples=examples, vocabulary=student.vocabulary, max_length=student.sequence_length)
    stages["tokenizer"] = tokenizer
    return {"config": reaching(student.sequence_length, student.config), "tokenizer": tokenizer}


def selected_of(
    spec: Spec,
    stages: dict[str, Stage[Any]],
    examples: Stage[Rows],
    teacher: Stage[Model] | None,
    gold: Stage[Model] | None,
    start: dict[str, Any],
    suffix: str = "",
) -> Stage[Rows]:
    """The share of the examples that the student learns from, by difficulty; all of them at rate 1."""
    if spec.select.rate == 1:
        return examples
    stages[f"score{suffix}"] = scored = _scored(spec, stages, examples, teacher, gold, start)
    seed = seed_of(spec.seed, spec.trial)
    stages[f"select{suffix}"] = selected = Select(scored=scored, **spec.select.model_dump(), seed=seed)
    return selected


def _scored(
    spec: Spec,
    stages: dict[str, Stage[Any]],
    examples: Stage[Rows],
    teacher: Stage[Model] | None,
    gold: Stage[Model] | None,
    start: dict[str, Any],
) -> Stage[Rows]:
    given = spec.score
    match given.metric:
        case "entropy" | "margin":
            where = f"score.metric: {given.metric}"
            if not any(isinstance(stage, Parse) for stage in stages.values()):
                raise ValueError(f"{where}: no answer here begins with a label word; take another metric")
            require_weighed_analyses(spec, where)
            return Doubt(examples=examples, metric=given.metric)
        case metric:
            return Score(
                examples=examples,
                model=_proxy(spec, teacher, gold, start),
                metric=metric,
                tau=given.tau,
                count_top=given.count_top,
                max_length=given.max_length,
            )


def packed(spec: Spec, start: dict[str, Any], examples: tuple[Stage[Rows], ...], trial: int = 0) -> Pack:
    tokenizer = start.get("start") or start["tokenizer"]
    seed = seed_of(spec.seed, trial)
    return Pack(examples=examples, tokenizer=tokenizer, row_length=spec.student.sequence_length, seed=seed)


def trained(
    spec: Spec,
    stages: dict[str, Stage[Any]],
    start: dict[str, Any],
    examples: tuple[Stage[Rows], ...],
    settings: TrainSettings,
    suffix: str = "",
    after: Train | None = None,
) -> Train:
    """A training of this trial on what the tables hold, from the weights of the one before, if there is one. With
    `watch` a share of the reviews is held out."""
    learned, watched = split(spec, settings, examples)
    stages[f"pack{suffix}"] = corpus = packed(spec, start, learned, spec.trial)
    dev = packed(spec, start, watched) if watched else None
    if dev is not None:
        stages[f"pack-watched{suffix}"] = dev
    settings = settings.model_copy(update={"seed": seed_of(settings.seed, spec.trial)})
    return Train(corpus=corpus, dev=dev, settings=settings, **(start if after is None else {"start": after}))


def split(
    spec: Spec, settings: TrainSettings, examples: tuple[Stage[Rows], ...]
) -> tuple[tuple[Stage[Rows], ...], tuple[Stage[Rows], ...]]:
    """What a training learns from, and what it looks at, if it does."""
    if settings.watch is None:
        return examples, ()
    drawn: dict[str, Any] = {"share": spec.held_out, "seed": spec.seed}
    learned = tuple(Remaining(examples=table, **drawn) for table in examples)
    return learned, tuple(HeldOut(examples=table, **drawn) for table in examples)


def gold_labels_of(spec: Spec) -> list[Stage[Rows]]:
    """The few labelled reviews that the control student learns from."""
    gold = spec.gold
    if gold is None:
        return []
    if gold.benchmark is not None:
        return [BenchmarkLabels.at(gold.benchmark, gold.tasks, gold.labels)]
    return [Invent(count=gold.labels, split="train", seed=spec.seed + 1)]


def gold_student(
    spec: Spec, stages: dict[str, Stage[Any]], labels: list[Stage[Rows]], start: dict[str, Any]
) -> Stage[Model] | None:
    if not labels:
        return None
    (table,) = labels
    stages["gold-labels"] = table
    stages["gold-examples"] = examples = GoldExamples(labelled=table)
    stages["gold-pack"] = corpus = packed(spec, start, (examples,))
    # Nobody gave probabilities with the labels of this student, and they are too few to hold some out.
    settings = spec.train.model_copy(update={"soft_labels": None, "watch": None})
    stages["gold-student"] = student = Train(corpus=corpus, settings=settings, **start)
    return student


def _proxy(spec: Spec, teacher: Stage[Model] | None, gold: Stage[Model] | None, start: dict[str, Any]) -> Stage[Model]:
    wanted = spec.score.model
    named = {"teacher": teacher, "gold": gold, "student": start.get("start")}
    if wanted not in named:
        return model_stage(wanted, spec.score.revision, False)
    found = named[wanted]
    if found is None:
        reasons = {
            "teacher": "a teacher behind an endpoint cannot score",
            "gold": "there is no `gold` section, so no gold student",
            "student": "a student made from a config knows nothing before training",
        }
        raise ValueError(f"score.model: {wanted}: {reasons[wanted]}; name another of student, gold, teacher, or a path")
    return found


def reaching(length: int, config: dict[str, Any]) -> dict[str, Any]:
    """A config for texts of `length` tokens, unless it says otherwise."""
    return {"max_position_embeddings": length, **config}


def seed_of(seed: int, trial: int) -> int:
    """The seed of what differs from trial to trial; the first keeps the spec's own. Controls and proxy stay."""
    return seed + 1_000_003 * trial
