"""Rounds of questions to a teacher: each has units of its own, and they share one budget."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fsa_ray.core.artifact import Table
from fsa_ray.core.budget import Budget, BudgetReached
from fsa_ray.core.prices import Prices
from fsa_ray.core.stage import StageContext
from fsa_ray.core.tables import TableWriter
from fsa_ray.engine.endpoint import EndpointPlacement
from fsa_ray.engine.units import Counts, Layout, UnitFolder
from fsa_ray.schemas.rows import REQUEST
from fsa_ray.stages.asking import Asker
from fsa_ray.stages.model import ModelDirectory
from fsa_ray.stages.teaching import Teaching, Writing
from fsa_ray.storage.folder import Folder

if TYPE_CHECKING:
    from fsa_ray.engine.run_units import Outcome
    from fsa_ray.stages.ask import Ask

ROWS_AT_ONCE = 50_000
_UNITS = "units"


@dataclass(frozen=True)
class Round:
    """What was asked, and the finished units with what was said."""

    requests: Table
    units: UnitFolder


class Rounds:
    """Asks requests in rounds, each with units of its own in the progress folder."""

    def __init__(self, ctx: StageContext, stage: "Ask") -> None:
        self.counts = Counts()
        self.redone = 0  # rows
        self._ctx = ctx
        self._stage = stage
        self._budget = ctx.placement.section("budget", Budget)
        self._prices = ctx.placement.section("prices", Prices)

    def run(self, number: int, requests: Iterable[pa.Table], temperature: float) -> Round:
        """Asks all requests. Raises BudgetReached when the budget ends the round early."""
        folder = _round_folder(self._ctx.progress, number)
        source = self._stored(folder, requests)
        sampling = self._stage.sampling
        decoding = {"temperature": temperature, "top_p": sampling.top_p}
        before = self.counts
        self._refuse_more(folder / _UNITS, source)
        outcome, units = self._ask(folder, source, number, decoding, lambda now: self._over(before + now))
        self.counts = before + outcome.counts
        self.redone += outcome.redone
        if not outcome.finished:
            raise self._too_much(self.counts)
        return Round(source, units)

    def _refuse_more(self, folder: Folder, source: Table) -> None:
        """What is spent already is not found out by starting an engine, which takes minutes."""
        if self._budget == Budget():
            return
        layout, spent = Layout.read(folder), self.counts
        pending = source.rows > 0
        if layout is not None:
            units = UnitFolder(self._ctx.root, folder, layout)
            pending = bool(units.pending())
            spent += units.counts() if pending else Counts()
        if pending and self._over(spent):
            raise self._too_much(spent)

    def _too_much(self, counts: Counts) -> BudgetReached:
        return BudgetReached(self._budget.told(self._spent(counts), self._prices.currency))

    def _ask(
        self, folder: Any, source: Table, number: int, decoding: dict[str, Any], should_stop: Any
    ) -> "tuple[Outcome, UnitFolder]":
        from fsa_ray.engine.endpoint import ask_endpoint
        from fsa_ray.engine.run_units import ask
        from fsa_ray.stages.serving import Pulse, engine_of, session

        stage, ctx = self._stage, self._ctx
        listener = Pulse(ctx.tell, self.counts)
        if stage.endpoint is not None:
            ours = session(ctx)
            placement = ctx.placement.section("endpoint", EndpointPlacement)
            units = UnitFolder.open(ctx.root, folder / _UNITS, source, placement.unit_rows)
            writing = Writing(stage.sampling.max_tokens, decoding, number, stage.seed)
            return ask_endpoint(units, writing, stage.endpoint, placement, ours, listener, should_stop), units
        assert stage.teacher is not None
        engine = engine_of(ctx, stage.teacher, stage.precision, stage.max_length)
        model = ctx.load(stage.teacher)
        asker = Asker(ModelDirectory(ctx.root, model), stage.sampling.max_tokens, model.trust_remote_code)
        units = UnitFolder.open(ctx.root, folder / _UNITS, source, engine.placement.unit_rows)
        return ask(units, Teaching(asker, decoding, number, stage.seed), engine, listener, should_stop), units

    def _stored(self, folder: Any, requests: Iterable[pa.Table]) -> Table:
        """The requests as files of the progress folder; those of an interrupted attempt are the same, or stay."""
        writer = TableWriter(
            self._ctx.root, folder / "requests", REQUEST, ROWS_AT_ONCE, prefix="requests", resumed=True
        )
        for part in requests:
            writer.add(part)
        return writer.close()

    def _over(self, counts: Counts) -> bool:
        return self._budget.reached(self._spent(counts))

    def _spent(self, counts: Counts) -> tuple[int, float | None]:
        """Tokens and money of the whole run so far."""
        prompt, output = self._ctx.spent
        prompt, output = prompt + counts.prompt_tokens, output + counts.output_tokens
        return prompt + output, self._prices.of(prompt, output)


def rows_begun(progress: Folder, retries: int) -> int:
    """Rows of a unit in the last round that has begun; 0 if none has."""
    rounds = (_round_folder(progress, number) for number in reversed(range(retries + 1)))
    return next((layout.unit_rows for folder in rounds if (layout := Layout.read(folder / _UNITS))), 0)


def _round_folder(progress: Folder, number: int) -> Folder:
    return progress / f"round-{number}"
