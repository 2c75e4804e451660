"""What a run does, as Prometheus metrics through Ray: each has the tags `run` and `stage`, and Ray's prefix `ray_`."""

import sys
import threading
from collections import defaultdict
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from fsa_ray.core.beat import Beat
from fsa_ray.core.plan import Step
from fsa_ray.core.prices import Prices
from fsa_ray.core.record import Record

EVERY_SECONDS = 5.0  # Ray forgets a gauge that is not set again within two of its reports, of 10 s each
WAITING, RUNNING, DONE, FAILED = range(4)


@dataclass(frozen=True)
class Metric:
    """`about` is Prometheus's help text."""

    name: str
    about: str
    tags: tuple[str, ...] = ("run", "stage")

    @property
    def counts(self) -> bool:
        """Whether it is a counter, of the whole stage, earlier attempts included; else a gauge."""
        return self.name.endswith("_total")


METRICS = (
    Metric("fsa_ray_stage_state", "0 waiting, 1 running, 2 done, 3 failed or interrupted"),
    Metric("fsa_ray_rows_done", "Rows that the stage has done"),
    Metric("fsa_ray_rows_to_do", "Rows that the stage has still to do"),
    Metric("fsa_ray_rows_rejected", "Rows that the stage refused, told when it is done"),
    Metric("fsa_ray_requests_failed", "Requests that got an error instead of an answer"),
    Metric("fsa_ray_tokens_read_total", "Tokens of the prompts that an engine read"),
    Metric("fsa_ray_tokens_written_total", "Tokens that an engine wrote"),
    Metric("fsa_ray_tokens_trained_total", "Tokens that went through training, padding too"),
    Metric("fsa_ray_steps_done", "Training steps done"),
    Metric("fsa_ray_steps_to_do", "Training steps still to do"),
    Metric("fsa_ray_loss", "Loss of the last training step, in nats per answer token"),
    Metric("fsa_ray_goodput", "The measure `goodput` of a stage that is done"),
    Metric("fsa_ray_cost", "What the teacher's tokens cost so far, in `currency`", ("run", "stage", "currency")),
)
_BY_NAME = {metric.name: metric for metric in METRICS}


class Metrics(AbstractContextManager["Metrics"]):
    """A listener of a run. It only notes what it hears; a thread hands that to Ray, once there is one, now and then.

    A run without Ray leaves no metrics, and does not load Ray for them.
    """

    def __init__(self, run: str, steps: list[Step], prices: Prices) -> None:
        self._run, self._prices = run, prices
        self._values: dict[tuple[str, str], float] = {("fsa_ray_stage_state", step.label): WAITING for step in steps}
        self._counted: dict[tuple[str, str], float] = defaultdict(float)  # what Ray's counters have got
        self._instruments: dict[str, Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._export_now_and_then, daemon=True, name="metrics")

    def __enter__(self) -> "Metrics":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What runs now has failed. The last values go to Ray, which hands them on if it lives long enough."""
        for name, stage in list(self._values):
            if name == "fsa_ray_stage_state" and self._values[name, stage] == RUNNING:
                self._values[name, stage] = FAILED
        self._stop.set()
        self._thread.join()
        self.export()

    def begins(self, step: Step) -> None:
        self._set(step, stage_state=RUNNING)

    def says(self, step: Step, news: str | Beat) -> None:
        if isinstance(news, str):
            return
        self._set(step, **{f"{news.noun}_done": news.done, f"{news.noun}_to_do": news.total - news.done})
        if news.noun == "steps":
            self._set(step, loss=news.loss, tokens_trained_total=news.tokens_trained)
        else:
            self._took(step, news.tokens_read, news.tokens_written, news.failed)

    def ends(self, step: Step, record: Record) -> None:
        known = record.measures
        self._set(step, stage_state=DONE, goodput=known.get("goodput"), loss=known.get("final_loss"))
        if "steps" in known:
            self._set(step, steps_done=known["steps"], steps_to_do=0, tokens_trained_total=known.get("tokens"))
        elif "rows" in known:
            self._set(step, rows_done=known["rows"], rows_to_do=0, rows_rejected=known.get("rejected"))
        if "prompt_tokens" in known:
            self._took(step, known["prompt_tokens"], known.get("output_tokens", 0), known.get("failed"))

    def export(self) -> None:
        """Hand the values to Ray, if it runs."""
        is_running = getattr(sys.modules.get("ray"), "is_initialized", None)  # a stage may be just importing it
        if is_running is None or not is_running():
            return
        self._instruments = self._instruments or _instruments()
        for (name, stage), value in list(self._values.items()):
            tags = {"run": self._run, "stage": stage}
            if name == "fsa_ray_cost":
                tags["currency"] = self._prices.currency
            more = value - self._counted[name, stage]
            if not _BY_NAME[name].counts:
                self._instruments[name].set(float(value), tags)
            elif more > 0:
                self._instruments[name].inc(float(more), tags)
                self._counted[name, stage] = value

    def _set(self, step: Step, **values: float | None) -> None:
        """By name without `fsa_ray_`; what is not known stays as it was."""
        known = {(f"fsa_ray_{name}", step.label): value for name, value in values.items() if value is not None}
        self._values.update(known)

    def _took(self, step: Step, read: float, written: float, failed: float | None) -> None:
        """Only the teacher's tokens have a price."""
        cost = self._prices.of(read, written) if step.stage.costly else None
        self._set(step, tokens_read_total=read, tokens_written_total=written, requests_failed=failed, cost=cost)

    def _export_now_and_then(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self.export()


def _instruments() -> dict[str, Any]:
    from ray.util.metrics import Counter, Gauge  # what is made before Ray runs is never exported

    return {
        metric.name: (Counter if metric.counts else Gauge)(metric.name, metric.about, metric.tags) for metric in METRICS
    }
