"""The teacher of a run, what a small one made here learns from, and what it is asked."""

from typing import Any

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage
from fsa_ray.engine.endpoint import Endpoint
from fsa_ray.recipes.spec import Spec
from fsa_ray.recipes.student import reaching
from fsa_ray.recipes.teacher_spec import AskedAgain, EmbeddedTeacher
from fsa_ray.sentiment.perspectives import Kind
from fsa_ray.sentiment.synthetic.answers import GOLD
from fsa_ray.stages.ask import Ask, Sampling
from fsa_ray.stages.gold import GoldExamples
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.labels import BenchmarkLabels
from fsa_ray.stages.model import Model, model_stage
from fsa_ray.stages.pack import Pack
from fsa_ray.stages.sample import Sample
from fsa_ray.stages.teach import Teach
from fsa_ray.stages.tokenizer import LearnTokenizer
from fsa_ray.stages.train import Train


def teacher_of(spec: Spec, stages: dict[str, Stage[Any]], further: tuple[Stage[Rows], ...] = ()) -> Stage[Model] | None:
    """None for a teacher behind an endpoint. `further`: examples that one made here learns from as well."""
    given = spec.teacher
    if given.endpoint is not None:
        return None
    if given.model is not None:
        stages["teacher"] = found = model_stage(given.model, given.revision, given.trust_remote_code)
        return found
    assert given.embedded is not None
    embedded = given.embedded
    if given.style != "compact":
        raise ValueError(f"teacher.style: a teacher made here is taught the style compact, not {given.style}")
    unknown = [kind for kind in given.prompts if kind not in GOLD]
    if unknown:
        raise ValueError(
            f"teacher.prompts: a teacher made here cannot be taught {unknown[0]}; it knows {', '.join(GOLD)}"
        )
    for labels in labels_behind(embedded, spec.seed):
        source = "invented" if isinstance(labels, Invent) else "benchmark"
        stages[f"teacher-labels-{source}"] = labels
        stages[f"teacher-examples-{source}"] = GoldExamples(labelled=labels, kinds=given.prompts[:1])
    further_kinds = given.prompts[1:]
    if embedded.rewritings and further_kinds:
        rewritten = Invent(count=embedded.rewritings, split="train", seed=spec.seed)
        stages["teacher-labels-rewritten"] = rewritten
        stages["teacher-examples-rewritten"] = GoldExamples(labelled=rewritten, kinds=further_kinds)
    gold = tuple(stage for label, stage in stages.items() if label.startswith("teacher-examples"))
    examples = (*gold, *further)
    tokenizer = LearnTokenizer(examples=examples, vocabulary=embedded.vocabulary, max_length=given.max_length)
    stages["teacher-tokenizer"] = tokenizer
    stages["teacher-pack"] = corpus = Pack(
        examples=examples, tokenizer=tokenizer, row_length=embedded.sequence_length, seed=spec.seed
    )
    stages["teacher"] = trained = Train(
        corpus=corpus,
        config=reaching(given.max_length, embedded.config),
        tokenizer=tokenizer,
        settings=embedded.train,
    )
    return trained


def labels_behind(embedded: EmbeddedTeacher | None, seed: int) -> list[Stage[Rows]]:
    """The labelled texts that an embedded teacher learns from."""
    found: list[Stage[Rows]] = []
    if embedded is not None and embedded.invented:
        found.append(Invent(count=embedded.invented, split="train", seed=seed))
    if embedded is not None and embedded.benchmark is not None:
        found.append(BenchmarkLabels.at(embedded.benchmark, embedded.tasks))
    return found


def responses_of(
    spec: Spec, stages: dict[str, Stage[Any]], reviews: Stage[Rows], teacher: Stage[Model] | None
) -> tuple[Stage[Rows], ...]:
    """What the teacher says: of all reviews, and of a share of them where not all are rewritten."""
    given = spec.teacher
    others = tuple(kind for kind in given.prompts if kind != "rewriting")
    if given.rewriting_share == 1 or len(others) in (0, len(given.prompts)):
        stages["teach"] = _teach(spec, "teach", reviews, teacher, given.prompts)
        return (stages["teach"],)
    stages["teach"] = _teach(spec, "teach", reviews, teacher, others)
    stages["rewriting-sample"] = drawn = Sample(reviews=reviews, share=given.rewriting_share)
    stages["teach-rewriting"] = _teach(spec, "teach-rewriting", drawn, teacher, ("rewriting",))
    return (stages["teach"], stages["teach-rewriting"])


def _teach(
    spec: Spec, label: AskedAgain, reviews: Stage[Rows], teacher: Stage[Model] | None, kinds: tuple[Kind, ...]
) -> Stage[Rows]:
    given = spec.teacher
    stage = Teach(
        reviews=reviews, kinds=kinds, style=given.style, weigh_labels=given.weigh_labels, **asking(spec, teacher)
    )
    return asked_again(spec, label, stage)


def asking(spec: Spec, teacher: Stage[Model] | None) -> dict[str, Any]:
    """How the teacher is asked: the fields that all stages that ask it share."""
    given = spec.teacher
    endpoint = given.endpoint
    return {
        "teacher": teacher,
        "endpoint": None if endpoint is None else Endpoint(**endpoint.model_dump()),
        "sampling": Sampling(temperature=given.temperature, top_p=given.top_p, max_tokens=given.max_tokens),
        "max_length": given.max_length,
        "precision": given.precision,
        "retries": given.retries,
        "seed": spec.seed,
    }


def asked_again(spec: Spec, label: AskedAgain, stage: Ask) -> Ask:
    """The stage of that label, or as many attempts after it as the spec says, each of which adopts the good answers
    before it."""
    for again in range(spec.teacher.rounds(label)):
        stage = stage.model_copy(update={"adopt": stage, "seed": spec.seed + again + 1})
    return stage
