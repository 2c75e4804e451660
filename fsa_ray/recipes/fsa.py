"""The recipe `fsa` (FSA-Distillation): a student that is pre-trained on interpretations, and fine-tuned on labels."""

from typing import Any, Literal

from pydantic import Field

from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.stage import Stage
from fsa_ray.evaluation.invented import ASPECTS, POLARITY
from fsa_ray.recipes.measures import evaluation_texts_of
from fsa_ray.recipes.pairs import PairStudent, pair_start, paired, trained_on_pairs
from fsa_ray.recipes.reviews import reviews_of
from fsa_ray.recipes.section import Distinct, Location, Section
from fsa_ray.recipes.spec import Evaluation, Select, Spec
from fsa_ray.recipes.student import seed_of, split
from fsa_ray.recipes.suite import needed
from fsa_ray.recipes.teacher import labels_behind, responses_of, teacher_of
from fsa_ray.recipes.trainable import refuse_soft_labels
from fsa_ray.stages.answer import Answer
from fsa_ray.stages.benchmark import Benchmark, InventedBenchmark
from fsa_ray.stages.evaluation_texts import EvaluationTexts
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.invented_questions import InventedQuestions
from fsa_ray.stages.judge import Judge
from fsa_ray.stages.model import Model
from fsa_ray.stages.parse import Parse
from fsa_ray.stages.questions import Questions
from fsa_ray.stages.supervised import Supervised
from fsa_ray.training.settings import TrainSettings

INVENTED_TRAIN = 3000


class Finetune(Section):
    """Fine-tuning on the labels of the task that is measured; `trial` draws another share and another order."""

    share: float = Field(1.0, gt=0, le=1, description="of the labelled items, for low-resource curves")
    invented: int = Field(INVENTED_TRAIN, ge=1, description="labelled reviews, where the test is invented too")
    train: TrainSettings = Field(
        TrainSettings(
            epochs=20, global_batch=16, learning_rate=3e-4, schedule="linear", weight_decay=0.01, epsilon=1e-6
        ),
        description="how; with `watch`, the dev split is looked at",
    )


class ZeroShot(Section):
    """Classification without a label seen: read off what the pre-trained student writes about the bare text."""

    data: Location = Field(description="SentiBench folder")
    tasks: Distinct = Field(min_length=1, description="classification tasks of polarities there")
    limit: int | None = Field(None, ge=1, description="at most so many items of a task")


class FsaSpec(Spec):
    """A run of FSA-Distillation."""

    recipe: str = Field("fsa", description="what is built from this spec")
    student: PairStudent
    select: Select = Select(rate=1.0)
    train: TrainSettings = Field(
        TrainSettings(
            max_steps=200_000,
            global_batch=100,
            learning_rate=3e-3,
            min_lr_ratio=1e-5 / 3e-3,
            weight_decay=0.0,
            epsilon=1e-6,
            optimizer="rms_adamw",
        ),
        description="how the student is pre-trained",
    )
    prompting: Literal["bare", "prefixed"] = Field(
        "bare", description="what it reads: the review whatever is to be written, or that after the prompt's name"
    )
    phases: Literal["both", "finetuning"] = Field("both", description="finetuning leaves the pre-training out")
    finetune: Finetune = Finetune()
    evaluate: Evaluation = Field(Evaluation(), description="one task of the FSA benchmark, or invented reviews")
    zero_shot: ZeroShot | None = Field(None, description="also classify with the pre-trained student, without a label")


def fsa(spec: FsaSpec) -> Pipeline:
    """Raises ValueError if something that the spec names is not there."""
    if spec.gold is not None or spec.select.rate != 1:
        raise ValueError("this recipe has no `gold` section and learns from all answers; set select.rate: 1")
    for where, settings in (("train", spec.train), ("finetune.train", spec.finetune.train)):
        refuse_soft_labels(where, settings)
    if spec.train.lora is not None:
        raise ValueError("train.lora: adapters do not learn the token of line breaks; pre-train all weights")
    stages: dict[str, Stage[Any]] = {}
    stages["benchmark"] = test = _labelled(spec, "test")
    stages["train-items"] = items = _labelled(spec, "train")
    start = _pretrained(spec, stages, test, items)
    seed = seed_of(spec.finetune.train.seed, spec.trial)
    task = _task(spec)
    share = Supervised(benchmark=items, task=task, share=spec.finetune.share, seed=seed_of(spec.seed, spec.trial))
    stages["labelled"] = share
    tokenizer = start["tokenizer"]
    stages["pair-labelled"] = corpus = paired(spec.student, tokenizer, (share,), spec.seed)
    settings = spec.finetune.train.model_copy(update={"seed": seed})
    dev = None if settings.watch is None else paired(spec.student, tokenizer, (_dev(spec, task),), spec.seed)
    stages["student"] = student = trained_on_pairs(start, corpus, settings, dev)
    stages["questions"] = questions = _questions(spec, task, test, student)
    stages["answers"] = answers = Answer(questions=questions, precision=spec.teacher.precision)
    stages["evaluate-student"] = Judge(answers=answers)
    if spec.phases == "both":
        _zero_shot(spec, stages, test)
    return needed(Pipeline(spec.name, stages))


def _zero_shot(spec: FsaSpec, stages: dict[str, Stage[Any]], test: Stage[Rows]) -> None:
    """The overall polarity, read off what the pre-trained student writes about a text: of invented tests always."""
    asked: dict[str, Any] = {
        "model": stages["pretrained"],
        "protocol": "strict",
        "seeds": (spec.seed,),
        "answering": "interpretation",
        "prefix": "interpretation: " if spec.prompting == "prefixed" else "",
        "max_length": 4 * spec.student.target_length,
    }
    given = spec.zero_shot
    questions: Questions
    if given is not None:
        questions = Questions.at(given.data, given.tasks, 0, limit=given.limit, **asked)
    elif spec.evaluate.data is None:
        questions = InventedQuestions.about((POLARITY.name,), benchmark=test, shots=0, **asked)
    else:
        return
    stages["zero-shot-questions"] = questions
    stages["zero-shot-answers"] = answers = Answer(questions=questions, precision=spec.teacher.precision)
    stages["evaluate-zero-shot"] = Judge(answers=answers)


def _pretrained(spec: FsaSpec, stages: dict[str, Stage[Any]], test: Stage[Rows], items: Stage[Rows]) -> dict[str, Any]:
    """What fine-tuning starts from: fields of `Train`. Tokens are learned from the teacher's answers either way."""
    teacher = teacher_of(spec, stages)
    texts = evaluation_texts_of(spec, stages, test)
    seen = [*labels_behind(spec.teacher.embedded, spec.seed), items]
    if spec.zero_shot is not None:
        seen.append(EvaluationTexts.at(spec.zero_shot.data, spec.zero_shot.tasks))
    reviews = reviews_of(spec, stages, texts, seen)
    responses = responses_of(spec, stages, reviews, teacher)
    stages["parse"] = examples = Parse(
        responses=responses, reviews=reviews, partial=spec.parse.partial, prompting=spec.prompting
    )
    start = pair_start(spec.student, stages, (examples,))
    if spec.phases == "finetuning":
        return start
    learned, watched = split(spec, spec.train, (examples,))
    stages["pair"] = corpus = paired(spec.student, start["tokenizer"], learned, spec.seed)
    dev = paired(spec.student, start["tokenizer"], watched, spec.seed) if watched else None
    stages["pretrained"] = pretrained = trained_on_pairs(start, corpus, spec.train, dev)
    return {"start": pretrained, "tokenizer": start["tokenizer"]}


def _task(spec: FsaSpec) -> str:
    if spec.evaluate.data is None:
        return ASPECTS.name
    if len(spec.evaluate.tasks) != 1:
        raise ValueError("evaluate.tasks: name one task, such as fsa_atsa_rest14; vary it by a grid for all of them")
    return spec.evaluate.tasks[0]


def _labelled(spec: FsaSpec, split: Literal["train", "test"]) -> Stage[Rows]:
    given = spec.evaluate
    if given.data is not None:
        limit = given.limit if split == "test" else None
        return Benchmark.at(given.data, (_task(spec),), split=split, limit=limit)
    if given.invented is None:
        raise ValueError("evaluate: give `data` and one of `tasks`, or `invented`")
    count = given.invented if split == "test" else spec.finetune.invented
    # Other seeds than the embedded teacher's, or the student would be fine-tuned on what its teacher knows by heart.
    return InventedBenchmark(labelled=Invent(count=count, split=split, seed=spec.seed + 2))


def _dev(spec: FsaSpec, task: str) -> Stage[Rows]:
    given = spec.evaluate
    if given.data is not None:
        return Supervised(benchmark=Benchmark.at(given.data, (task,), split="dev"), task=task)
    held_out = Invent(count=200, split="train", seed=spec.seed + 3)
    return Supervised(benchmark=InventedBenchmark(labelled=held_out), task=task)


def _questions(spec: FsaSpec, task: str, test: Stage[Rows], student: Stage[Model]) -> Questions:
    asked: dict[str, Any] = {
        "model": student,
        "protocol": "p1",
        "seeds": (spec.seed,),
        "shots": 0,
        "max_length": max(spec.student.source_length, spec.student.target_length) * 2,
    }
    if spec.evaluate.data is None:
        return InventedQuestions.about((task,), benchmark=test, **asked)
    shots = asked.pop("shots")
    return Questions.at(spec.evaluate.data, (task,), shots, limit=spec.evaluate.limit, **asked)
