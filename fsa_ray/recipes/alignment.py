"""The alignment phase of a run: task prompts, the teacher's answers to them, and what a small teacher learns first."""

from itertools import product
from math import ceil
from typing import Any, Self

from pydantic import Field

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.recipes.section import Distinct, Location, Section
from fsa_ray.recipes.spec import Spec
from fsa_ray.recipes.teacher import asked_again, asking
from fsa_ray.recipes.trainable import refuse_endpoint, require_weighed_analyses
from fsa_ray.sentiment.alignment.tasks import TASKS, AlignmentTask, alignment_task
from fsa_ray.stages.alignment.align import Align
from fsa_ray.stages.alignment.aligned import Aligned
from fsa_ray.stages.alignment.other import OtherTasks
from fsa_ray.stages.alignment.other_records import OtherRecords
from fsa_ray.stages.alignment.records import AlignmentRecords
from fsa_ray.stages.alignment.solved import SolvedAlignments
from fsa_ray.stages.invent import Invent
from fsa_ray.stages.labels import FIELDS, BenchmarkLabels, labelled_fields
from fsa_ray.stages.model import Model
from fsa_ray.training.settings import TrainSettings


class AlignmentSpec(Section):
    """The alignment phase (ICLDist): few-shot task prompts in many formats, answered by the teacher."""

    count: int = Field(20_000, ge=1, description="prompts, other tasks included")
    tasks: Distinct = Field(tuple(TASKS), min_length=1, description=f"of {', '.join(TASKS)}")
    shots: int = Field(8, ge=0, le=8, description="solved cases that a prompt has at most; each draws its own number")
    benchmark: Location | None = Field(
        None, description="the solved cases are train items of this SentiBench folder; else they are invented"
    )
    benchmark_tasks: Distinct = Field(("asqp_rest16",), description="sets there that tell what `tasks` ask for")
    invented: int = Field(500, ge=9, description="without a benchmark: invented labelled reviews")
    other: Location | None = Field(
        None, description="file of other tasks: JSON lines, or one of Super-NaturalInstructions"
    )
    other_share: float = Field(0.0, ge=0, lt=1, description="share of the prompts that are of other tasks")
    samples: int = Field(
        1, ge=1, le=16, description="answers to each prompt about a review; several need a temperature"
    )
    agreement: float = Field(0.5, ge=0, le=1, description="share of them that must agree")
    train: TrainSettings = Field(
        TrainSettings(epochs=2, global_batch=64, learning_rate=2e-5, warmup_ratio=0.03),
        description="how the student is trained in this phase",
    )

    @property
    def others(self) -> int:
        """Prompts of other tasks."""
        return min(round(self.count * self.other_share), self.count - 1)

    def piloted(self, reviews: int) -> Self:
        """One prompt for each review, and more only where none would be of the other tasks."""
        least = ceil(1 / self.other_share) if self.other_share else 1
        return self.model_copy(update={"count": min(self.count, max(reviews, least))})


def refuse_impossible(spec: Spec, given: AlignmentSpec) -> None:
    """Raises ValueError for what cannot be asked, or trained."""
    if given.train.soft_labels is not None:
        refuse_endpoint(spec, "alignment.train.soft_labels")
    if spec.train.soft_labels is not None:
        require_weighed_analyses(spec, "train.soft_labels")
    tasks = [alignment_task(name) for name in given.tasks]
    words = [
        task for task in tasks if len(task.fields) == 1 and (task.slot is None or "analysis" in spec.teacher.prompts)
    ]
    if given.train.soft_labels is not None and not words:
        raise ValueError(
            "alignment.train.soft_labels: no answer of these tasks is a label word; add polarity to alignment.tasks "
            "(or aspect-polarity, with analysis in teacher.prompts), or leave it out"
        )
    if given.samples > 1 and spec.teacher.temperature == 0:
        raise ValueError("alignment.samples: at temperature 0 all samples are the same; set teacher.temperature")
    if (given.other is None) != (given.other_share == 0):
        raise ValueError("alignment.other: give the file of other tasks and `other_share` together, or neither")
    if given.benchmark is not None:
        for name, task in product(given.benchmark_tasks, tasks):
            _require_cases(name, task)


def _require_cases(name: str, task: AlignmentTask) -> None:
    """Raises ValueError if the items of a set do not tell the gold of a task: its cases would be wrong."""
    lacking = task.needs - labelled_fields(load_task(name))
    if lacking:
        names = ", ".join(told for told, field in FIELDS.items() if field in lacking)
        raise ValueError(
            f"alignment.benchmark_tasks: {name} has no {names}, which solved cases of {task.name} need; "
            f"name other sets (asqp_rest16 has all), or leave {task.name} out of alignment.tasks"
        )


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
    texts: Stage[Rows] | None,
) -> tuple[Stage[Rows], ...]:
    """Examples of the alignment phase, one table for tasks about reviews and, if there are any, one for other tasks."""
    stages["alignment-records"] = records = AlignmentRecords(
        reviews=reviews,
        labelled=shown,
        analyses=analyses,
        tasks=given.tasks,
        count=given.count - given.others,
        most_shots=given.shots,
        seed=spec.seed,
    )
    asked = asked_again(spec, "align", Align(records=records, samples=given.samples, **asking(spec, teacher)))
    stages["align"] = asked
    stages["aligned"] = examples = Aligned(responses=asked, records=records, agreement=given.agreement)
    if given.other is None:
        return (examples,)
    return (examples, _others(spec, given, stages, teacher, texts))


def _others(
    spec: Spec,
    given: AlignmentSpec,
    stages: dict[str, Stage[Any]],
    teacher: Stage[Model] | None,
    texts: Stage[Rows] | None,
) -> Stage[Rows]:
    """Examples of other tasks, which share no text with `texts`, on which models are tested. Each is asked once."""
    assert given.other is not None
    against = () if texts is None else (texts,)
    stages["other-tasks"] = other = OtherTasks.at(given.other, against, spec.decontaminate.ngram)
    stages["other-records"] = records = OtherRecords(
        other=other, count=given.others, most_shots=given.shots, seed=spec.seed
    )
    stages["align-other"] = asked = asked_again(spec, "align-other", Align(records=records, **asking(spec, teacher)))
    stages["aligned-other"] = examples = Aligned(responses=asked, records=records)
    return examples
