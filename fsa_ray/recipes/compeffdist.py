"""The recipe `compeffdist`: instructions made from attributes, data chosen by difficulty."""

from typing import Any, Literal, Self

from pydantic import Field

from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.stage import Stage
from fsa_ray.recipes.measures import benchmark_of, evaluation_texts_of
from fsa_ray.recipes.reviews import reviews_of
from fsa_ray.recipes.section import Location, Section
from fsa_ray.recipes.spec import Spec
from fsa_ray.recipes.student import selected_of, start_of, trained
from fsa_ray.recipes.suite import SuiteSpec, measure_by_prompts
from fsa_ray.recipes.teacher import asked_again, asking, labels_behind, teacher_of
from fsa_ray.recipes.teacher_spec import AskedAgain
from fsa_ray.recipes.trainable import refuse_soft_labels
from fsa_ray.stages.instructions.analyse import Analyse
from fsa_ray.stages.instructions.attributes import Attributes
from fsa_ray.stages.instructions.clusters import Clusters, EncoderEngine
from fsa_ray.stages.instructions.definitions import Definitions
from fsa_ray.stages.instructions.demonstrate import Demonstrate
from fsa_ray.stages.instructions.distilled import Distilled
from fsa_ray.stages.instructions.enumerate import Enumerate
from fsa_ray.stages.instructions.generated import GeneratedInstructions
from fsa_ray.stages.instructions.proposals import Proposals
from fsa_ray.stages.instructions.propose import Propose
from fsa_ray.stages.instructions.records import Records
from fsa_ray.stages.instructions.respond import Respond
from fsa_ray.stages.instructions.solved import SolvedAnalyses, SolvedTasks
from fsa_ray.stages.instructions.standardise import Standardise
from fsa_ray.stages.instructions.supplied import SuppliedInstructions
from fsa_ray.stages.instructions.usable import UsableInstructions
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.model import Model, model_stage
from fsa_ray.stages.sample import Sample

STARTER_SET = "starter"


class InstructionsSpec(Section):
    """Where instructions come from: the teacher makes them, a file holds them, or both."""

    generate: bool = Field(True, description="let the teacher make them; a weak one cannot, and the run says so")
    file: Location | None = Field(None, description="take them from this JSON file; `starter` is the set shipped here")
    reviews: int = Field(20_000, ge=2, description="reviews that are asked for their attributes")
    min_mentions: int = Field(11, ge=1, description="rarer attributes are dropped")
    encoder: str | None = Field(
        None, description="sentence encoder: directory, URL or hub id; default: the MiniLM here"
    )
    encoder_revision: str | None = Field(None, description="commit of the encoder's hub repository")
    encoder_engine: EncoderEngine = Field(
        "sentence-transformers", description="what runs the encoder; vllm for large ones, placed as the engine is"
    )
    clustering: Literal["affinity", "kmeans", "agglomerative"] = Field("affinity", description="method")
    percentile: float = Field(0.5, ge=0, le=100, description="of similarities: preference of affinity propagation")
    weighting: Literal["relative", "repeated"] = Field(
        "relative", description="of mentions in affinity propagation; repeated is the papers', with many more clusters"
    )
    clusters: int | None = Field(None, ge=2, description="how many, with the other methods")
    min_examples: int = Field(4, ge=1, description="a task with fewer valid examples is dropped")
    repetitions: int = Field(16, ge=1, description="times that each task is asked for two more demonstrations")
    max_tokens: int = Field(2048, ge=64, description="longest answer of the teacher that makes instructions")

    def piloted(self, reviews: int) -> Self:
        """Fewer reviews mention an attribute less often and fill fewer clusters."""
        share = min(1.0, reviews / self.reviews)
        scaled = {
            "min_mentions": max(1, round(share * self.min_mentions)),
            "repetitions": max(1, round(share * self.repetitions)),
            "clusters": None if self.clusters is None else max(2, round(share * self.clusters)),
        }
        return self.model_copy(update=scaled)


class RecordsSpec(Section):
    """Instruction and review, as many as the teacher is to answer, in equal shares over clusters, kinds and domains."""

    count: int = Field(50_000, ge=1, description="how many")
    shots: int = Field(3, ge=0, le=8, description="demonstrations of the task in each")
    structured: bool = Field(True, description="answers to tasks by JSON schema; a teacher made here cannot do that")


class CompEffSpec(Spec):
    """A run of CompEffDist."""

    recipe: str = Field("compeffdist", description="what is built from this spec")
    instructions: InstructionsSpec = InstructionsSpec()
    records: RecordsSpec = RecordsSpec()
    evaluate: SuiteSpec = SuiteSpec()

    def piloted(self, limit: int) -> Self:
        """One record for each review; where the teacher makes instructions, counts that hold for
        `instructions.reviews` in proportion."""
        records = self.records.model_copy(update={"count": min(limit, self.records.count)})
        pilot = super().piloted(limit)
        return pilot.model_copy(update={"records": records, "instructions": self.instructions.piloted(limit)})


def compeffdist(spec: CompEffSpec) -> Pipeline:
    """Raises ValueError if something that the spec names is not there."""
    if spec.gold is not None:
        raise ValueError("gold: this recipe has no control on gold labels; leave the section out")
    if spec.evaluate.invented is not None:
        raise ValueError("evaluate.invented: this recipe is measured on SentiBench; give evaluate.data, or nothing")
    refuse_weak_teacher(spec)
    refuse_soft_labels("train", spec.train)
    stages: dict[str, Stage[Any]] = {}
    benchmark = benchmark_of(spec, stages)
    texts = evaluation_texts_of(spec, stages, benchmark)
    supplied = supplied_of(spec, stages)
    teacher = teacher_of(spec, stages, solved_of(spec, stages, supplied))
    reviews = reviews_of(spec, stages, texts, labels_behind(spec.teacher.embedded, spec.seed))
    instructions = instructions_of(spec, stages, reviews, teacher, supplied, texts)
    examples = distilled_of(spec, stages, instructions, reviews, teacher)
    start = start_of(spec, stages, examples)
    selected = selected_of(spec, stages, examples, teacher, None, start)
    stages["student"] = student = trained(spec, stages, start, (selected,), spec.train)
    models = {"teacher": teacher, "student": student}
    measure_by_prompts(spec, spec.evaluate, stages, benchmark, None, spec.evaluate.tasks, models)
    return Pipeline(spec.name, stages)


def refuse_weak_teacher(spec: CompEffSpec) -> None:
    """Raises ValueError if more is asked of a teacher made here than it can do."""
    if spec.teacher.embedded is not None and (spec.records.structured or spec.instructions.generate):
        raise ValueError(
            "teacher.embedded: a teacher made here answers in plain text only, and is too weak to write instructions; "
            "set records.structured: false, instructions.generate: false and instructions.file: starter"
        )


def supplied_of(spec: CompEffSpec, stages: dict[str, Stage[Any]]) -> Stage[Rows] | None:
    given = spec.instructions.file
    if given is None:
        return None
    stages["supplied"] = found = SuppliedInstructions.at(None if given == STARTER_SET else given)
    return found


def solved_of(
    spec: CompEffSpec, stages: dict[str, Stage[Any]], supplied: Stage[Rows] | None
) -> tuple[Stage[Rows], ...]:
    """What a small teacher made here learns from, so that it can carry out instructions."""
    embedded = spec.teacher.embedded
    if embedded is None or supplied is None:
        return ()
    stages["solved-tasks"] = tasks = SolvedTasks(instructions=supplied)
    if not embedded.rewritings:
        return (tasks,)
    labelled = Invent(count=embedded.rewritings, split="train", seed=spec.seed)
    stages["solved-analyses"] = analyses = SolvedAnalyses(instructions=supplied, labelled=labelled)
    return (tasks, analyses)


def instructions_of(
    spec: CompEffSpec,
    stages: dict[str, Stage[Any]],
    reviews: Stage[Rows],
    teacher: Stage[Model] | None,
    supplied: Stage[Rows] | None,
    texts: Stage[Rows] | None,
) -> Stage[Rows]:
    sources = [supplied] if supplied is not None else []
    if spec.instructions.generate:
        sources.append(_generated(spec, stages, reviews, teacher))
    if not sources:
        raise ValueError("instructions: give a `file`, or let the teacher `generate` them")
    against = () if texts is None else (texts,)
    stages["instructions"] = usable = UsableInstructions(
        sources=tuple(sources), against=against, ngram=spec.decontaminate.ngram
    )
    return usable


def _generated(
    spec: CompEffSpec, stages: dict[str, Stage[Any]], reviews: Stage[Rows], teacher: Stage[Model] | None
) -> Stage[Rows]:
    """Attributes, clusters, analyses of clusters, tasks about clusters, demonstrations of tasks."""
    given, asked = spec.instructions, asking(spec, teacher)
    asked |= {"sampling": asked["sampling"].model_copy(update={"max_tokens": given.max_tokens})}
    stages["attribute-sample"] = drawn = Sample(reviews=reviews, count=given.reviews)
    stages["enumerate"] = said = Enumerate(reviews=drawn, **asked)
    stages["attributes"] = attributes = Attributes(responses=said, min_mentions=given.min_mentions)
    encoder = None if given.encoder is None else model_stage(given.encoder, given.encoder_revision, False)
    if encoder is not None:
        stages["encoder"] = encoder
    stages["clusters"] = clusters = Clusters(
        attributes=attributes,
        encoder=encoder,
        encoder_engine=given.encoder_engine,
        method=given.clustering,
        percentile=given.percentile,
        weighting=given.weighting,
        count=given.clusters,
        seed=spec.seed,
    )
    stages["analyse"] = analyses = Analyse(clusters=clusters, **asked)
    stages["propose"] = proposed = Propose(clusters=clusters, **asked)
    stages["proposals"] = proposals = Proposals(responses=proposed, clusters=clusters)
    stages["standardise"] = standardised = Standardise(proposals=proposals, min_examples=given.min_examples, **asked)
    stages["definitions"] = tasks = Definitions(
        responses=standardised, proposals=proposals, min_examples=given.min_examples
    )
    stages["demonstrate"] = shown = Demonstrate(tasks=tasks, reviews=reviews, repetitions=given.repetitions, **asked)
    stages["generated"] = made = GeneratedInstructions(clusters=clusters, analyses=analyses, demonstrations=shown)
    return made


def distilled_of(
    spec: CompEffSpec,
    stages: dict[str, Stage[Any]],
    instructions: Stage[Rows],
    reviews: Stage[Rows],
    teacher: Stage[Model] | None,
    labels: tuple[AskedAgain, str] = ("teach", "parse"),
) -> Stage[Rows]:
    """What the teacher answers to instructions about reviews, as far as it obeys them; `labels` of the two stages."""
    given = spec.records
    stages["records"] = records = Records(
        instructions=instructions, reviews=reviews, **given.model_dump(), seed=spec.seed
    )
    asked, read = labels
    stages[asked] = responses = asked_again(spec, asked, Respond(records=records, **asking(spec, teacher)))
    stages[read] = examples = Distilled(responses=responses, records=records, instructions=instructions)
    return examples
