"""Questions about invented labelled reviews, for runs that have no benchmark at hand."""

from typing import Any, ClassVar

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.evaluation.item import Item
from fsa_ray.evaluation.task import Task
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.stages.benchmark import items_by_task
from fsa_ray.stages.questions import Questions


class InventedQuestions(Questions):
    """As Questions, about the items of `benchmark`, without demonstrations."""

    name: ClassVar[str] = "invented-questions"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    benchmark: Stage[Rows]

    @classmethod
    def about(cls, tasks: tuple[str, ...], **fields: Any) -> "InventedQuestions":
        versions = tuple(load_task(name).version for name in tasks)
        return cls(data="", tasks=tasks, versions=versions, files=(), **fields)

    def items(self, ctx: StageContext, task: Task, split: str = "test") -> list[Item]:
        assert split == "test"
        return list(items_by_task(ctx, ctx.load(self.benchmark))[task.name].values())
