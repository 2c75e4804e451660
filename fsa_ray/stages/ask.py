"""Base of the costly stages, which ask the teacher: nothing is dropped in them and nothing is asked twice."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from fsa_ray.core.artifact import Rows, Table
from fsa_ray.core.budget import Budget, BudgetReached
from fsa_ray.core.placement import Placement
from fsa_ray.core.prices import Prices
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import parquet_bytes, read_table, stored_file
from fsa_ray.engine.endpoint import Endpoint, EndpointPlacement
from fsa_ray.engine.placement import EnginePlacement
from fsa_ray.engine.units import Counts, UnitFolder
from fsa_ray.schemas.rows import REQUEST, RESPONSE
from fsa_ray.stages.asking import Asker
from fsa_ray.stages.model import Model, local_path
from fsa_ray.stages.rows import commit, derived_id
from fsa_ray.stages.teaching import Teaching, Writing

if TYPE_CHECKING:
    from fsa_ray.engine.run_units import Outcome

RETRY_TEMPERATURE = 0.7
ROWS_AT_ONCE = 50_000
TOKENS_OF_TEXT = 75  # of a usual review, of about 300 characters


class Sampling(BaseModel):
    """How the teacher decodes in the first round."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 512


class Ask(Stage[Rows]):
    """One response for each request, failures included, with an `error`. Subclasses say what the requests are.

    Failed answers (an engine's error, a cut or unreadable answer) are asked again in `retries` rounds at a higher
    temperature. With `adopt`, the good responses of that earlier stage are taken over and only its failures asked.
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

    def judged(self, ctx: StageContext, answers: pa.Table) -> pa.Table:
        """The answers of a round, with an `error` also where a whole one cannot be used, so that it is asked again."""
        return answers

    def expected_requests(self, rows: Any) -> float:
        """How many there are likely to be; the argument tells the rows of an input."""
        raise NotImplementedError

    def engines(self) -> frozenset[str]:
        return frozenset() if self.teacher is None else frozenset({self.teacher.fingerprint})

    def rows_at_risk(self, placement: Placement) -> int:
        if self.endpoint is not None:
            return placement.section("endpoint", EndpointPlacement).rows_at_risk
        return placement.section("engine", EnginePlacement).rows_at_risk

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
        asked = _Rounds(ctx, self)
        adopted = self._adopted(ctx)
        requests = self._all_requests(ctx, adopted)
        answers = self.judged(ctx, asked.run(0, requests, self.sampling.temperature))
        for number in range(1, self.retries + 1):
            failed = answers.filter(pc.is_valid(answers["error"]))["id"]
            again = requests.filter(pc.is_in(requests["id"], failed.combine_chunks()))
            if not len(again):
                break
            ctx.tell(f"{len(again)} answers failed; round {number + 1} asks them again")
            answers = _replaced(answers, self.judged(ctx, asked.run(number, again, RETRY_TEMPERATURE)))
        ctx.measure(
            prompt_tokens=asked.counts.prompt_tokens,
            output_tokens=asked.counts.output_tokens,
            requests=asked.counts.prompts,
            failed=pc.sum(pc.is_valid(answers["error"])).as_py() or 0,
            adopted=0 if adopted is None else len(adopted),
        )
        return commit(ctx, answers if adopted is None else pa.concat_tables([adopted, answers]), [])

    def _adopted(self, ctx: StageContext) -> pa.Table | None:
        """The good responses of the stage that this one goes on from."""
        if self.adopt is None:
            return None
        before = read_table(ctx.root, ctx.load(self.adopt).kept)
        return before.filter(pc.is_null(before["error"]))

    def _all_requests(self, ctx: StageContext, adopted: pa.Table | None) -> pa.Table:
        requests = pa.concat_tables([REQUEST.empty_table(), *self.requests(ctx)])
        if adopted is None:
            return requests
        return requests.filter(pc.invert(pc.is_in(requests["id"], adopted["id"].combine_chunks())))


class _Rounds:
    """Asks requests in rounds, each with units of its own in the progress folder."""

    def __init__(self, ctx: StageContext, stage: "Ask") -> None:
        self.counts = Counts()
        self._ctx = ctx
        self._stage = stage
        self._budget = ctx.placement.section("budget", Budget)
        self._prices = ctx.placement.section("prices", Prices)

    def run(self, number: int, requests: pa.Table, temperature: float) -> pa.Table:
        """The responses (RESPONSE) to all requests. Raises BudgetReached when the budget ends the round early."""
        folder = self._ctx.progress / f"round-{number}"
        source = self._stored(folder, requests)
        sampling = self._stage.sampling
        decoding = {"temperature": temperature, "top_p": sampling.top_p}
        before = self.counts
        outcome, results = self._ask(folder, source, number, decoding, lambda now: self._over(before + now))
        self.counts = before + outcome.counts
        if not outcome.finished:
            raise BudgetReached(self._budget.told(self._spent(self.counts), self._prices.currency))
        return results

    def _ask(
        self, folder: Any, source: Table, number: int, decoding: dict[str, Any], should_stop: Any
    ) -> "tuple[Outcome, pa.Table]":
        from fsa_ray.engine.endpoint import ask_endpoint
        from fsa_ray.engine.run_units import ask
        from fsa_ray.stages.serving import Pulse, engine_of, session

        stage, ctx = self._stage, self._ctx
        listener = Pulse(ctx.tell, self.counts)
        if stage.endpoint is not None:
            session(ctx)
            placement = ctx.placement.section("endpoint", EndpointPlacement)
            units = UnitFolder.open(ctx.root, folder / "units", source, placement.unit_rows)
            writing = Writing(stage.sampling.max_tokens, decoding, number, stage.seed)
            outcome = ask_endpoint(units, writing, stage.endpoint, placement, listener, should_stop)
        else:
            assert stage.teacher is not None
            engine = engine_of(ctx, stage.teacher, stage.precision, stage.max_length)
            model = ctx.load(stage.teacher)
            asker = Asker(local_path(ctx.root, model), stage.sampling.max_tokens, model.trust_remote_code)
            units = UnitFolder.open(ctx.root, folder / "units", source, engine.placement.unit_rows)
            outcome = ask(units, Teaching(asker, decoding, number, stage.seed), engine, listener, should_stop)
        results = units.results() if outcome.finished else ()
        return outcome, pa.concat_tables([RESPONSE.empty_table(), *results])

    def _stored(self, folder: Any, requests: pa.Table) -> Table:
        """The requests as files of the progress folder; those of an interrupted attempt are the same, or stay."""
        files = []
        for number, start in enumerate(range(0, max(len(requests), 1), ROWS_AT_ONCE)):
            part = requests.slice(start, ROWS_AT_ONCE)
            name = f"requests-{number:05d}.parquet"
            (folder / "requests").put_exclusive(name, parquet_bytes(part))
            files.append(stored_file(self._ctx.root, folder / "requests", name, len(part)))
        return Table(files=tuple(files))

    def _over(self, counts: Counts) -> bool:
        return self._budget.reached(self._spent(counts))

    def _spent(self, counts: Counts) -> tuple[int, float | None]:
        """Tokens and money of the whole run so far."""
        prompt, output = self._ctx.spent
        prompt, output = prompt + counts.prompt_tokens, output + counts.output_tokens
        return prompt + output, self._prices.of(prompt, output)


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
    rows = [
        {
            "id": derived_id(parent, kind),
            "parent": parent,
            "kind": kind,
            "prompt": turn,
            "schema": schema,
            "labels": labels,
            "opening": opening or None,
        }
        for parent, turn in zip(parents, turns, strict=True)
    ]
    return pa.Table.from_pylist(rows, REQUEST)
