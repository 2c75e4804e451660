"""Base of the costly stages, which ask the teacher: nothing is dropped in them and nothing is asked twice."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from fsa_ray.core.artifact import Rows, Table
from fsa_ray.core.budget import Budget
from fsa_ray.core.goodput import goodput
from fsa_ray.core.placement import Placement
from fsa_ray.core.prices import Prices
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.engine.endpoint import Endpoint, EndpointPlacement
from fsa_ray.engine.placement import EnginePlacement
from fsa_ray.schemas.rows import REQUEST, RESPONSE
from fsa_ray.stages.model import Model
from fsa_ray.stages.rounds import ROWS_AT_ONCE, Round, Rounds, rows_begun
from fsa_ray.stages.rows import RowWriter, derived_id
from fsa_ray.storage.folder import Folder

RETRY_TEMPERATURE = 0.7
TOKENS_OF_TEXT = 75  # of a usual review, of about 300 characters

Judge = Callable[[list[dict[str, Any]]], Iterable[str | None]]
"""For each of some RESPONSE rows, all without an error, why it cannot be used and is asked again, or None."""


class Sampling(BaseModel):
    """How the teacher decodes in the first round."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512


class Ask(Stage[Rows]):
    """One response for each request, failures included, with an `error`. Subclasses say what the requests are.

    Failed answers (an engine's error, a cut or unreadable answer, one that `judge` refuses) are asked again in
    `retries` rounds at a higher temperature. With `adopt`, the good responses of that earlier stage are taken over and
    only its failures asked.
    """

    costly: ClassVar[bool] = True

    teacher: Stage[Model] | None
    endpoint: Endpoint | None = None
    sampling: Sampling
    max_length: int
    precision: Literal["fp32", "bf16"]
    retries: int = 2
    seed: int = 0
    adopt: Stage[Rows] | None = Field(default=None)

    def requests(self, ctx: StageContext) -> Iterator[pa.Table]:
        """Tables of REQUEST."""
        raise NotImplementedError

    def judge(self, ctx: StageContext) -> Judge | None:
        """Judges whole answers, for the retries. The stage that reads the responses decides what is kept of them."""
        return None

    def expected_requests(self, rows: Any) -> float:
        """How many there are likely to be; the argument tells the rows of an input."""
        raise NotImplementedError

    def engines(self) -> frozenset[str]:
        return frozenset() if self.teacher is None else frozenset({self.teacher.fingerprint})

    def rows_at_risk(self, placement: Placement, progress: Folder) -> int:
        """A round that has begun keeps its units; those of later rounds are as the placement says."""
        begun = rows_begun(progress, self.retries)
        if self.endpoint is not None:
            return placement.section("endpoint", EndpointPlacement).rows_at_risk(begun)
        return placement.section("engine", EnginePlacement).rows_at_risk(begun)

    def check_placement(self, placement: Placement) -> None:
        placement.section("budget", Budget).refuse_without(placement.section("prices", Prices))

    def estimate(self, rows: Any) -> dict[str, float]:
        """Prompts of the usual length, answers of half the limit."""
        requests = self.expected_requests(rows)
        return {
            "rows": requests,
            "requests": requests,
            "prompt_tokens": requests * self.usual_prompt_tokens(),
            "output_tokens": requests * self.sampling.max_tokens / 2,
        }

    def usual_prompt_tokens(self) -> int:
        """Tokens of a prompt with a usual review, for estimates."""
        raise NotImplementedError

    def run(self, ctx: StageContext) -> Rows:
        """Holds the failed answers and the ids of adopted ones in memory; all others lie in the units' files."""
        rounds, judge = Rounds(ctx, self), self.judge(ctx)
        adopted = self._adopted(ctx)
        first = rounds.run(0, self._requests_without(ctx, adopted), self.sampling.temperature)
        newer = RESPONSE.empty_table()
        failed = pa.chunked_array([_failed(answers) for answers in _answers(first, newer, judge)], pa.string())
        for number in range(1, self.retries + 1):
            if not len(failed):
                break
            ctx.tell(f"{len(failed)} answers failed; round {number + 1} asks them again")
            again = rounds.run(number, _those(ctx, first.requests, failed), RETRY_TEMPERATURE)
            said = pa.concat_tables([RESPONSE.empty_table(), *_answers(again, RESPONSE.empty_table(), judge)])
            newer = said if number == 1 else _replaced(newer, said)
            failed = _failed(newer)
        writer = RowWriter(ctx, RESPONSE)
        for answers in self._adopted_answers(ctx):
            writer.keep(answers)
        without_answer = 0
        for answers in _answers(first, newer, judge):
            without_answer += len(_failed(answers))
            writer.keep(answers)
        ctx.measure(
            prompt_tokens=rounds.counts.prompt_tokens,
            output_tokens=rounds.counts.output_tokens,
            requests=rounds.counts.prompts,
            failed=without_answer,
            rows_redone=rounds.redone,
            goodput=goodput(rounds.counts.rows, rounds.redone),
            adopted=0 if adopted is None else len(adopted),
        )
        return writer.close()

    def _adopted_answers(self, ctx: StageContext, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """The good responses of the stage that this one goes on from."""
        if self.adopt is not None:
            for part in iter_parts(ctx.root, ctx.load(self.adopt).kept, columns):
                yield part.filter(pc.is_null(part["error"]))

    def _adopted(self, ctx: StageContext) -> pa.ChunkedArray | None:
        """Their ids."""
        if self.adopt is None:
            return None
        return pa.concat_tables(self._adopted_answers(ctx, ["id", "error"]))["id"]

    def _requests_without(self, ctx: StageContext, adopted: pa.ChunkedArray | None) -> Iterator[pa.Table]:
        for part in self.requests(ctx):
            yield part if adopted is None else part.filter(pc.invert(pc.is_in(part["id"], adopted)))


def _answers(round_: Round, newer: pa.Table, judge: Judge | None) -> Iterator[pa.Table]:
    """The judged answers of a round, those that `newer` has replaced by it, `ROWS_AT_ONCE` at a time or so."""
    for part in _gathered(round_.units.results()):
        judged = part if judge is None else _judged(part, judge)
        yield _replaced(judged, newer.filter(pc.is_in(newer["id"], part["id"])))


def _judged(answers: pa.Table, judge: Judge) -> pa.Table:
    """The same with an `error` also where a whole answer cannot be used."""
    faults = iter(judge(answers.filter(pc.is_null(answers["error"])).to_pylist()))
    errors = [next(faults) if error is None else error for error in answers["error"].to_pylist()]
    return answers.set_column(answers.column_names.index("error"), "error", pa.array(errors, pa.string()))


def _gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in fewer tables: what is looked up for each of them is looked up less often."""
    waiting, rows = [], 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        if rows >= ROWS_AT_ONCE:
            yield pa.concat_tables(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def _failed(answers: pa.Table) -> pa.Array:
    """Ids of the answers with an error."""
    failed = answers.filter(pc.is_valid(answers["error"]))["id"]
    return failed.combine_chunks()


def _those(ctx: StageContext, requests: Table, ids: pa.Array) -> Iterator[pa.Table]:
    for part in iter_parts(ctx.root, requests):
        yield part.filter(pc.is_in(part["id"], ids))


def _replaced(answers: pa.Table, newer: pa.Table) -> pa.Table:
    """`answers` with the rows of `newer` in the place of those with the same id."""
    position = pc.index_in(answers["id"], newer["id"].combine_chunks()).combine_chunks()
    indices = pc.if_else(
        pc.is_valid(position), pc.add(position, len(answers)), pa.array(range(len(answers)), pa.int32())
    )
    return pa.concat_tables([answers, newer]).take(indices)


def requests(
    kind: str,
    parents: list[str],
    turns: list[str],
    schema: str | None,
    labels: tuple[str, ...] | None = None,
    opening: str = "",
) -> pa.Table:
    """A table of REQUEST: one prompt of a kind about each parent."""
    rows = len(parents)
    columns = [
        pa.array([derived_id(parent, kind) for parent in parents], pa.string()),
        pa.array(parents, pa.string()),
        pa.array([kind] * rows, pa.string()),
        pa.array(turns, pa.string()),
        pa.array([schema] * rows, pa.string()),
        pa.array([labels] * rows, REQUEST.field("labels").type),
        pa.array([opening or None] * rows, pa.string()),
    ]
    return pa.table(columns, REQUEST)
