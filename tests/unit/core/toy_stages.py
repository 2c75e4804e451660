"""Toy stages: a source of numbers, a stage that drops some, one that costs, one that fails on demand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Artifact, Flow, Rows
from fsa_ray.core.beat import Beat
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.plan import Step
from fsa_ray.core.record import Record
from fsa_ray.core.runner import Runner
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table, write_table
from fsa_ray.storage.folder import Folder

RAN: list[str] = []
TROUBLE: dict[str, Callable[[StageContext], None]] = {}  # by stage name; called in the middle of the run


def table(ids: list[str], parents: list[str] | None = None) -> pa.Table:
    return pa.table({"id": pa.array(ids, pa.string()), "parent": pa.array(parents or ids, pa.string())})


def rows(ctx: StageContext, kept: pa.Table, rejected: pa.Table) -> Rows:
    return Rows(
        kept=write_table(ctx.root, ctx.out / "kept", kept),
        rejected=write_table(ctx.root, ctx.out / "rejected", rejected),
    )


class Count(Artifact):
    count: int


class Numbers(Stage[Rows]):
    name: ClassVar[str] = "numbers"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    size: int = 10
    rate: float = 1

    def run(self, ctx: StageContext) -> Rows:
        RAN.append(self.name)
        ids = [f"n{number}" for number in range(self.size)]
        ctx.measure(rows_read=self.size, rows=self.size - 1)
        return rows(ctx, table(ids[1:]), table(ids[:1]))


class Drop(Stage[Rows]):
    name: ClassVar[str] = "drop"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="numbers")

    numbers: Numbers
    every: int = 3

    def run(self, ctx: StageContext) -> Rows:
        RAN.append(self.name)
        ids = read_table(ctx.root, ctx.load(self.numbers).kept)["id"].to_pylist()
        ctx.progress.put("half.txt", b"done so far")
        TROUBLE.get(self.name, lambda ctx: None)(ctx)
        return rows(ctx, table(ids[self.every :]), table(ids[: self.every]))


class Ask(Stage[Count]):
    name: ClassVar[str] = "ask"
    version: ClassVar[int] = 1
    costly: ClassVar[bool] = True

    drop: Drop
    engine: str = "e1"
    question: str = "why?"

    def run(self, ctx: StageContext) -> Count:
        RAN.append(f"ask:{self.engine}:{self.question}")
        TROUBLE.get(self.name, lambda ctx: None)(ctx)
        return Count(count=ctx.load(self.drop).kept.rows)

    def check_placement(self, placement: Placement) -> None:
        if "nowhere" in placement.sections:
            raise ValueError("there is no such place")

    def engines(self) -> frozenset[str]:
        return frozenset({self.engine})


class Join(Stage[Count]):
    name: ClassVar[str] = "join"
    version: ClassVar[int] = 1

    asked: tuple[Ask, ...]

    def run(self, ctx: StageContext) -> Count:
        RAN.append(self.name)
        return Count(count=sum(ctx.load(ask).count for ask in self.asked))


@dataclass
class Listener:
    told: list[str] = field(default_factory=list)

    def begins(self, step: Step) -> None:
        self.told.append(f"begins {step.label}")

    def says(self, step: Step, news: str | Beat) -> None:
        self.told.append(f"{step.label}: {news}")

    def ends(self, step: Step, record: Record) -> None:
        self.told.append(f"ends {step.label}")


@dataclass
class Toys:
    """A root and a way to run on it."""

    root: Folder
    listener: Listener = field(default_factory=Listener)
    released: list[tuple[str, frozenset[str]]] = field(default_factory=list)

    def run(
        self,
        pipeline: Pipeline,
        *,
        allow: frozenset[str] = frozenset(),
        until: str | None = None,
        placement: Placement | None = None,
        named: bool = True,
    ) -> list[Step]:
        def release(engines: frozenset[str]) -> None:
            self.released.append((RAN[-1] if RAN else "", engines))

        runner = Runner(self.root, placement or Placement(), self.listener, release)
        return runner.run(pipeline, allow=allow, until=until, spec={} if named else None)

    def ran(self) -> list[str]:
        found = list(RAN)
        RAN.clear()
        return found


def pipeline(size: int = 10, question: str = "why?") -> Pipeline:
    drop = Drop(numbers=Numbers(size=size))
    ask = Ask(drop=drop, question=question)
    return Pipeline("toy", {"numbers": drop.numbers, "drop": drop, "ask": ask})
