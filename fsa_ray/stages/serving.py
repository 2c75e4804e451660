"""The engines that stages of this process share: one for each model and way of asking."""

import time
from collections.abc import Callable

from fsa_ray.core.beat import Beat
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.engine.application import ModelSettings
from fsa_ray.engine.placement import EnginePlacement, RayPlacement
from fsa_ray.engine.run_units import Progress
from fsa_ray.engine.session import Engine, Session
from fsa_ray.engine.units import Counts
from fsa_ray.stages.model import Model, ModelDirectory, local_path

DTYPES = {"bf16": "bfloat16", "fp32": "float32"}

_session: Session | None = None
_paths: dict[str, str] = {}  # fingerprint of a model stage to what its engine was started with


def session(ctx: StageContext) -> Session:
    """The session of this process, with Ray running; started when first asked for."""
    global _session  # noqa: PLW0603 - there is one Ray in a process, and so one session
    if _session is None:
        _session = Session(ctx.placement.section("ray", RayPlacement))
    _session.start_ray()
    return _session


def engine_of(ctx: StageContext, stage: Stage[Model], precision: str, max_length: int) -> Engine:
    """The engine that serves a model; counts its start among the measures of the stage that caused it."""
    model = ctx.load(stage)
    path = local_path(ctx.root, model)
    _paths[stage.fingerprint] = path
    ours = session(ctx)
    before = ours.engine_starts
    settings = ModelSettings(
        model=path,
        dtype=DTYPES[precision],
        max_model_len=max_length,
        trust_remote_code=model.trust_remote_code,
    )
    engine = ours.engine(settings, ctx.placement.section("engine", EnginePlacement), ModelDirectory(ctx.root, model))
    if ours.engine_starts > before:
        ctx.measure(engine_starts=ours.engine_starts - before)
    return engine


def release(models: frozenset[str]) -> None:
    """Stop the engines of these model stages, given by fingerprint; nothing happens for those without one."""
    if _session is not None:
        _session.release(_paths[model] for model in models if model in _paths)


def close() -> None:
    """Stop all engines, and Ray if we started it."""
    global _session  # noqa: PLW0603
    if _session is not None:
        _session.close()
    _session = None


class Pulse:
    """A listener that passes progress on at most every few seconds. `before`: what earlier work of the stage took."""

    def __init__(self, tell: Callable[[Beat], None], before: Counts | None = None, every: float = 5.0) -> None:
        self._tell = tell
        self._before = before or Counts()
        self._every = every
        self._last = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last >= self._every:
            self._last = now
            counts = self._before + progress.counts
            self._tell(
                Beat(
                    noun="rows",
                    done=progress.done_rows,
                    total=progress.total_rows,
                    per_second=progress.rows_per_second,
                    tokens_read=counts.prompt_tokens,
                    tokens_written=counts.output_tokens,
                    failed=counts.failed,
                )
            )
