"""The alignment phase of a run: task prompts, the teacher's answers to them, and what a small teacher learns first."""

from typing import Any

from pydantic import Field

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage
from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.recipes.spec import Location, Section, Spec
from fsa_ray.recipes.teacher import asked_again, asking
from fsa_ray.recipes.trainable import refuse_endpoint, require_weighed_analyses
from fsa_ray.sentiment.alignment.tasks import TASKS, alignment_task
from fsa_ray.stages.alignment.align import Align
from fsa_ray.stages.alignment.aligned import Aligned
from fsa_ray.stages.alignment.other import OtherTasks
from fsa_ray.stages.alignment.records import AlignmentRecords
from fsa_ray.stages.alignment.solved import SolvedAlignments
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.labels import BenchmarkLabels
from fsa_ray.stages.model import Model
from fsa_ray.training.settings import TrainSettings


class AlignmentSpec(Section):
    """The alignment phase (ICLDist): few-shot task prompts in many formats, answered by the teacher."""

    count: int = Field(20_000, ge=1, description="prompts, other tasks included")
    tasks: tuple[str, ...] = Field(tuple(TASKS), min_length=1, description=f"of {', '.join(TASKS)}")
    shots: int = Field(8, ge=0, le=8, description="solved cases that a prompt has at most; each draws its own number")
    benchmark: Location | None = Field(
        None, description="the solved cases are train items of this SentiBench folder; else they are invented"
    )
    benchmark_tasks: tuple[str, ...] = Field(("asqp_rest16",), description="extraction tasks there")
    invented: int = Field(500, ge=9, description="without a benchmark: invented labelled reviews")
    other: Location | None = Field(
        None, description="file of other tasks: JSON lines, or one of Super-NaturalInstructions"
    )
    other_share: float = Field(0.0, ge=0, lt=1, description="share of the prompts that are of other tasks")
    samples: int = Field(1, ge=1, le=16, description="answers to each prompt; several need a temperature")
    agreement: float = Field(0.5, ge=0, le=1, description="share of them that must agree")
    train: TrainSettings = Field(
        TrainSettings(epochs=2, global_batch=64, learning_rate=2e-5, warmup_ratio=0.03),
        description="how the student is trained in this phase",
    )


def refuse_impossible(spec: Spec, given: AlignmentSpec) -> None:
    """Raises ValueError for what cannot be asked, or trained."""
    for where, settings in (("train", spec.train), ("alignment.train", given.train)):
        refuse_endpoint(spec, where, settings)
    require_weighed_analyses(spec, "train", spec.train)
    for name in given.tasks:
        alignment_task(name)
    if given.samples > 1 and spec.teacher.temperature == 0:
        raise ValueError("alignment.samples: at temperature 0 all samples are the same; set teacher.temperature")
    if (given.other is None) != (given.other_share == 0):
        raise ValueError("alignment.other: give the file of other tasks and `other_share` together, or neither")
    for name in given.benchmark_tasks if given.benchmark is not None else ():
        if isinstance(load_task(name), ClassificationTask):
            raise ValueError(f"alignment.benchmark_tasks: {name} has no opinions to show; name extraction tasks")


def shown_cases(spec: Spec, given: AlignmentSpec, stages: dict[str, Stage[Any]]) -> Stage[Rows]:
    """The labelled reviews that prompts show as solved cases."""
    if given.benchmark is not None:
        found: Stage[Rows] = BenchmarkLabels.at(given.benchmark, given.benchmark_tasks)
    else:
        found = Invent(count=given.invented, split="train", seed=spec.seed + 4)
    stages["shown-cases"] = found
    return found


def solved_alignments(spec: Spec, given: AlignmentSpec, stages: dict[str, Stage[Any]]) -> tuple[Stage[Rows], ...]:
    """What a small teacher made here learns from, so that it can solve tasks."""
    embedded = spec.teacher.embedded
    if embedded is None or not embedded.rewritings:
        return ()
    labelled = Invent(count=embedded.rewritings, split="train", seed=spec.seed)
    stages["solved-alignments"] = solved = SolvedAlignments(
        labelled=labelled, tasks=given.tasks, most_shots=given.shots, seed=spec.seed
    )
    return (solved,)


def aligned_of(
    spec: Spec,
    given: AlignmentSpec,
    stages: dict[str, Stage[Any]],
    reviews: Stage[Rows],
    shown: Stage[Rows],
    analyses: Stage[Rows] | None,
    teacher: Stage[Model] | None,
    benchmark: Stage[Rows] | None,
) -> Stage[Rows]:
    """Examples of the alignment phase; other tasks share no text with the benchmark."""
    other = None
    if given.other is not None:
        against = () if benchmark is None else (benchmark,)
        stages["other-tasks"] = other = OtherTasks.at(given.other, against, spec.decontaminate.ngram)
    stages["alignment-records"] = records = AlignmentRecords(
        reviews=reviews,
        labelled=shown,
        analyses=analyses,
        other=other,
        other_share=given.other_share,
        tasks=given.tasks,
        count=given.count,
        most_shots=given.shots,
        seed=spec.seed,
    )
    asked = asked_again(spec, Align(records=records, samples=given.samples, **asking(spec, teacher)))
    stages["align"] = asked
    stages["aligned"] = examples = Aligned(responses=asked, records=records, agreement=given.agreement)
    return examples
