"""The recipe `distil`: reviews in, evaluated student out."""

from typing import Any

from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.stage import Stage
from fsa_ray.engine.endpoint import Endpoint
from fsa_ray.recipes.spec import EmbeddedTeacher, Prompt, Spec
from fsa_ray.stages.annotate import Annotate
from fsa_ray.stages.ask import Sampling
from fsa_ray.stages.benchmark import Benchmark, InventedBenchmark
from fsa_ray.stages.decontaminate import Decontaminate
from fsa_ray.stages.deduplicate import Deduplicate
from fsa_ray.stages.evaluate import Evaluate
from fsa_ray.stages.gold import GoldExamples
from fsa_ray.stages.ingest import Ingest
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.labels import BenchmarkLabels
from fsa_ray.stages.model import Model, model_stage
from fsa_ray.stages.pack import Pack
from fsa_ray.stages.parse import Parse
from fsa_ray.stages.sample import Sample
from fsa_ray.stages.score import Score
from fsa_ray.stages.select import Select
from fsa_ray.stages.teach import Teach
from fsa_ray.stages.tokenizer import LearnTokenizer
from fsa_ray.stages.train import Train

SHOWN = 60
"""Reviews of the corpus that the student annotates for the report."""


def distil(spec: Spec) -> Pipeline:
    """Raises ValueError if something that the spec names is not there."""
    stages: dict[str, Stage[Any]] = {}
    teacher = _teacher(spec, stages)
    gold_labels = _gold_labels(spec)
    benchmark = _benchmark(spec, stages)
    seen = [*_labels_behind(spec.teacher.embedded, spec.seed), *gold_labels]
    reviews = _reviews(spec, stages, benchmark, seen)
    responses = _responses(spec, stages, reviews, teacher)
    stages["parse"] = examples = Parse(responses=responses, reviews=reviews, partial=spec.parse.partial)
    start = _student_start(spec, stages, examples)
    gold = _gold(spec, stages, gold_labels, start)
    selected = examples if spec.select.rate == 1 else _selected(spec, stages, examples, teacher, gold, start)
    stages["pack"] = corpus = _pack(spec, start, (selected,), spec.trial)
    stages["student"] = student = _train(spec, start, corpus, spec.trial)
    _measure(spec, stages, benchmark, {"teacher": teacher, "student": student, "gold": gold})
    stages["sample"] = sample = Sample(reviews=reviews, count=SHOWN)
    stages["predict"] = annotate(spec, sample, student)
    return Pipeline(spec.name, stages)


def _selected(
    spec: Spec,
    stages: dict[str, Stage[Any]],
    examples: Stage[Rows],
    teacher: Stage[Model] | None,
    gold: Stage[Model] | None,
    start: dict[str, Any],
) -> Stage[Rows]:
    """The share of the examples that the student learns from, by difficulty."""
    stages["score"] = scored = Score(
        examples=examples,
        model=_proxy(spec, teacher, gold, start),
        tau=spec.score.tau,
        count_top=spec.score.count_top,
        max_length=spec.score.max_length,
    )
    seed = _seed(spec.seed, spec.trial)
    stages["select"] = selected = Select(scored=scored, **spec.select.model_dump(), seed=seed)
    return selected


def _reviews(
    spec: Spec, stages: dict[str, Stage[Any]], benchmark: Stage[Rows] | None, seen: list[Stage[Rows]]
) -> Stage[Rows]:
    """Ingested, deduplicated, and free of what models are tested on or the teacher was trained on."""
    source = _source(spec)
    stages["ingest"] = source
    near = spec.deduplicate
    stages["deduplicate"] = reviews = Deduplicate(
        reviews=source, near=near.near, similarity=near.similarity, seed=spec.seed
    )
    against = tuple(stage for stage in (benchmark, *seen) if stage is not None)
    if not against:
        return reviews
    stages["decontaminate"] = clean = Decontaminate(reviews=reviews, against=against, ngram=spec.decontaminate.ngram)
    return clean


def _source(spec: Spec) -> Stage[Rows]:
    corpus = spec.corpus
    if corpus.path is None:
        assert corpus.invented is not None
        count = min(corpus.invented, corpus.limit or corpus.invented)
        return Invent(count=count, split="corpus", seed=spec.seed)
    rules = corpus.model_dump(include={"min_chars", "max_chars", "languages", "mask", "limit"})
    columns = corpus.model_dump(include={"text_column", "id_column", "domain_column"})
    return Ingest.at(corpus.path, **columns, **rules, seed=spec.seed)


def _teacher(spec: Spec, stages: dict[str, Stage[Any]]) -> Stage[Model] | None:
    """None for a teacher behind an endpoint."""
    given = spec.teacher
    if given.endpoint is not None:
        return None
    if given.model is not None:
        stages["teacher"] = found = model_stage(given.model, given.revision, given.trust_remote_code)
        return found
    assert given.embedded is not None
    embedded = given.embedded
    for labels in _labels_behind(embedded, spec.seed):
        source = "invented" if isinstance(labels, Invent) else "benchmark"
        stages[f"teacher-labels-{source}"] = labels
        stages[f"teacher-examples-{source}"] = GoldExamples(labelled=labels)
    if embedded.rewritings:
        rewritten = Invent(count=embedded.rewritings, split="train", seed=spec.seed)
        stages["teacher-labels-rewritten"] = rewritten
        stages["teacher-examples-rewritten"] = GoldExamples(labelled=rewritten, kinds=("rewriting",))
    examples = tuple(stage for label, stage in stages.items() if label.startswith("teacher-examples"))
    tokenizer = LearnTokenizer(examples=examples, vocabulary=embedded.vocabulary, max_length=given.max_length)
    stages["teacher-tokenizer"] = tokenizer
    stages["teacher-pack"] = corpus = Pack(
        examples=examples, tokenizer=tokenizer, row_length=embedded.sequence_length, seed=spec.seed
    )
    stages["teacher"] = trained = Train(
        corpus=corpus,
        config=_reaching(given.max_length, embedded.config),
        tokenizer=tokenizer,
        settings=embedded.train,
    )
    return trained


def _labels_behind(embedded: EmbeddedTeacher | None, seed: int) -> list[Stage[Rows]]:
    """The labelled texts that an embedded teacher learns from."""
    found: list[Stage[Rows]] = []
    if embedded is not None and embedded.invented:
        found.append(Invent(count=embedded.invented, split="train", seed=seed))
    if embedded is not None and embedded.benchmark is not None:
        found.append(BenchmarkLabels.at(embedded.benchmark, embedded.tasks))
    return found


def _gold_labels(spec: Spec) -> list[Stage[Rows]]:
    """The few labelled reviews that the control student learns from."""
    gold = spec.gold
    if gold is None:
        return []
    if gold.benchmark is not None:
        return [BenchmarkLabels.at(gold.benchmark, gold.tasks, gold.labels)]
    return [Invent(count=gold.labels, split="train", seed=spec.seed + 1)]


def _benchmark(spec: Spec, stages: dict[str, Stage[Any]]) -> Stage[Rows] | None:
    evaluation = spec.evaluate
    if evaluation.data is not None:
        return Benchmark.at(evaluation.data, evaluation.tasks, limit=evaluation.limit)
    if evaluation.invented is not None:
        stages["test-labels"] = labels = Invent(count=evaluation.invented, split="test", seed=spec.seed)
        return InventedBenchmark(labelled=labels)
    return None


def _responses(
    spec: Spec, stages: dict[str, Stage[Any]], reviews: Stage[Rows], teacher: Stage[Model] | None
) -> tuple[Stage[Rows], ...]:
    """What the teacher says: of all reviews, and of a share of them where not all are rewritten."""
    given = spec.teacher
    if given.rewriting_share == 1 or given.prompts != ("analysis", "rewriting"):
        stages["teach"] = _teach(spec, reviews, teacher, given.prompts)
        return (stages["teach"],)
    stages["teach"] = _teach(spec, reviews, teacher, ("analysis",))
    stages["rewriting-sample"] = drawn = Sample(reviews=reviews, share=given.rewriting_share)
    stages["teach-rewriting"] = _teach(spec, drawn, teacher, ("rewriting",))
    return (stages["teach"], stages["teach-rewriting"])


def _teach(spec: Spec, reviews: Stage[Rows], teacher: Stage[Model] | None, kinds: tuple[Prompt, ...]) -> Stage[Rows]:
    given = spec.teacher
    endpoint = given.endpoint
    teach = Teach(
        reviews=reviews,
        teacher=teacher,
        endpoint=None if endpoint is None else Endpoint(**endpoint.model_dump()),
        kinds=kinds,
        style=given.style,
        sampling=Sampling(temperature=given.temperature, top_p=given.top_p, max_tokens=given.max_tokens),
        max_length=given.max_length,
        precision=given.precision,
        retries=given.retries,
        seed=spec.seed,
    )
    for again in range(given.ask_again):
        teach = teach.model_copy(update={"adopt": teach, "seed": spec.seed + again + 1})
    return teach


def _student_start(spec: Spec, stages: dict[str, Stage[Any]], examples: Stage[Rows]) -> dict[str, Any]:
    """How a student begins: the fields of `Train` that say so."""
    student = spec.student
    if student.model is not None:
        stages["start"] = start = model_stage(student.model, student.revision, student.trust_remote_code)
        return {"start": start}
    tokenizer = LearnTokenizer(examples=(examples,), vocabulary=student.vocabulary, max_length=student.sequence_length)
    stages["tokenizer"] = tokenizer
    assert student.config is not None
    return {"config": _reaching(student.sequence_length, student.config), "tokenizer": tokenizer}


def _reaching(length: int, config: dict[str, Any]) -> dict[str, Any]:
    """A config for texts of `length` tokens, unless it says otherwise."""
    return {"max_position_embeddings": length, **config}


def _pack(spec: Spec, start: dict[str, Any], examples: tuple[Stage[Rows], ...], trial: int = 0) -> Pack:
    tokenizer = start.get("start") or start["tokenizer"]
    seed = _seed(spec.seed, trial)
    return Pack(examples=examples, tokenizer=tokenizer, row_length=spec.student.sequence_length, seed=seed)


def _train(spec: Spec, start: dict[str, Any], corpus: Pack, trial: int = 0) -> Train:
    settings = spec.train.model_copy(update={"seed": _seed(spec.train.seed, trial)})
    return Train(corpus=corpus, settings=settings, **start)


def _seed(seed: int, trial: int) -> int:
    """The seed of what differs from trial to trial; the first keeps the spec's own. Controls and proxy stay."""
    return seed + 1_000_003 * trial


def _gold(
    spec: Spec, stages: dict[str, Stage[Any]], labels: list[Stage[Rows]], start: dict[str, Any]
) -> Stage[Model] | None:
    if not labels:
        return None
    (table,) = labels
    stages["gold-labels"] = table
    stages["gold-examples"] = examples = GoldExamples(labelled=table)
    stages["gold-pack"] = corpus = _pack(spec, start, (examples,))
    stages["gold-student"] = trained = _train(spec, start, corpus)
    return trained


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


def annotate(spec: Spec, reviews: Stage[Rows], student: Stage[Model]) -> Annotate:
    """A student of this run asked about `reviews`."""
    return Annotate(
        reviews=reviews,
        model=student,
        max_tokens=spec.evaluate.max_tokens,
        max_length=spec.student.sequence_length,
        precision=spec.teacher.precision,
    )


def annotate_by_teacher(spec: Spec, reviews: Stage[Rows], teacher: Stage[Model]) -> Annotate:
    """The teacher asked about `reviews`, by the engine that also teaches."""
    return Annotate(
        reviews=reviews,
        model=teacher,
        style=spec.teacher.style,
        max_tokens=spec.teacher.max_tokens,
        max_length=spec.teacher.max_length,
        precision=spec.teacher.precision,
    )


def _measure(
    spec: Spec,
    stages: dict[str, Stage[Any]],
    benchmark: Stage[Rows] | None,
    models: dict[str, Stage[Model] | None],
) -> None:
    if benchmark is None:
        return
    stages["benchmark"] = benchmark
    for label, model in models.items():
        if model is not None:
            ask = annotate_by_teacher if label == "teacher" else annotate
            stages[f"annotate-{label}"] = annotations = ask(spec, benchmark, model)
            stages[f"evaluate-{label}"] = Evaluate(benchmark=benchmark, annotations=annotations)
    stages["evaluate-majority"] = Evaluate(benchmark=benchmark, annotations=None)
