"""What one train worker does: load, restore, step, checkpoint, export."""

import logging
import math
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from fsa_ray.core.artifact import DataFile
from fsa_ray.engine.train import Drained, TrainPlacement
from fsa_ray.training import checkpoints
from fsa_ray.training.attempts import Account, Notebook
from fsa_ray.training.export import full_weights, save_directory, store_directory
from fsa_ray.training.holding import holding, samples
from fsa_ray.training.loading import load_together
from fsa_ray.training.look import best_weights, keep_best, looked_at
from fsa_ray.training.lora import is_adapter, merged
from fsa_ray.training.metrics import StepLine, write_lines
from fsa_ray.training.model import load_tokenizer
from fsa_ray.training.probe import probe
from fsa_ray.training.pulse import Pulse
from fsa_ray.training.resume import start_of
from fsa_ray.training.running import Running
from fsa_ray.training.settings import TrainJob
from fsa_ray.training.step import take_step
from fsa_ray.training.student import weights_digest
from fsa_ray.training.uploads import Uploads
from fsa_ray.training.watch import BestWeights, best_step, is_over
from fsa_ray.training.zero import start_engine

log = logging.getLogger(__name__)


def work(job: TrainJob, placement: TrainPlacement) -> dict[str, Any] | Drained:
    """Trains; runs in every worker of a Ray Train group. Returns the fields of a TrainOutcome (of rank 0), `mistake`:
    the text of a ValueError that another try would not mend, or Drained after a checkpoint, when a machine goes."""
    begun = time.monotonic()
    torch.set_num_threads(placement.threads_per_worker)
    device = _device(placement)
    dist.init_process_group("nccl" if placement.gpus else "gloo")
    try:
        run = _prepare(job, placement, device)
    except ValueError as error:
        return {"mistake": str(error)}
    started, resumed_at = time.monotonic(), len(run.lines)
    left_off = False
    try:
        while not left_off and not _is_finished(run):
            line = looked_at(run, take_step(run, len(run.lines)))
            lost = not_finite(line)
            if lost is not None:
                return {"mistake": lost}
            run.lines.append(line)
            keep_best(run)
            run.notebook.step(line.step)
            run.pulse.beat(run.lines, run.steps)
            finished = _is_finished(run)
            if run.draining or finished or line.step % job.settings.checkpoint_every == 0:
                _checkpoint(run)
            left_off = run.draining and not finished
    finally:
        run.notebook.end(drained=left_off)
    if left_off:
        return _make_room(run)
    trained = time.monotonic()
    files, digest = _export(run)
    run.uploads.wait()
    dist.barrier()
    if run.rank == 0:
        _rotate(job, placement)
    account = Account.of(job.progress, len(run.lines))
    return {
        "files": files,
        "start_digest": run.start_digest,
        "digest": digest,
        "steps": len(run.lines),
        "resumed_at": resumed_at,
        "rows": len(run.rows),
        "parameters": sum(
            getattr(value, "ds_numel", value.numel())
            for name, value in run.lm.named_parameters()
            if not is_adapter(name)
        ),
        "answer_tokens": sum(line.answer_tokens for line in run.lines),
        "tokens": sum(line.tokens for line in run.lines),
        "final_loss": run.lines[-1].loss if run.lines else None,
        "prepare_seconds": started - begun,
        "train_seconds": trained - started,
        "step_seconds": sum(line.seconds for line in run.lines),
        "export_seconds": time.monotonic() - trained,
        **asdict(account),
    }


def _is_finished(run: Running) -> bool:
    return len(run.lines) >= run.steps or is_over(run.lines, run.job.settings.watch)


def _make_room(run: Running) -> Drained:
    """Wait until every worker's part of the checkpoint is stored. The machine's last seconds hold no more steps: these
    would have to be redone."""
    run.uploads.wait()
    dist.barrier()
    return Drained(run.lines[-1].step)


def not_finite(line: StepLine) -> str | None:
    """What is no number, if anything is: DeepSpeed leaves a step out whose gradient is none."""
    norm = math.inf if line.grad_norm is not None and line.grad_norm < 0 else line.grad_norm  # DeepSpeed's word for it
    for name, value in {"loss": line.loss, "loss on soft labels": line.label_loss, "gradient's norm": norm}.items():
        if value is not None and not math.isfinite(value):
            return f"the {name} is {value} at step {line.step}; lower learning_rate or raise warmup_ratio"
    return None


def _prepare(job: TrainJob, placement: TrainPlacement, device: torch.device) -> Running:
    settings, workers, rank = job.settings, dist.get_world_size(), dist.get_rank()
    loaded = load_together(job, placement)
    rows, order, lm = loaded.rows, loaded.order, loaded.lm
    steps = settings.max_steps if settings.max_steps is not None else order.steps(settings.epochs or 0)
    checkpoints.remove_local(job.progress, rank)
    start = start_of(job.progress, job.identity, device)
    if start.found is not None:
        checkpoints.load_weights(start.found, lm)
    expected = samples(lm)
    engine = start_engine(lm, settings, placement, device)
    probe(lm, device)
    kept = holding(engine)
    kept.check(expected)
    lines = [] if start.found is None else checkpoints.load_states(start.found, kept)
    if lines:
        log.warning("resumed at step %d of %d", len(lines), steps)
    dist.barrier()
    pulse = Pulse(job.progress, rank)
    notebook = Notebook(job.progress, rank, start.attempt, workers, len(lines))
    uploads = Uploads((lambda: _rotate(job, placement)) if rank == 0 else (lambda: None))
    return Running(
        job=job,
        placement=placement,
        device=device,
        engine=engine,
        lm=lm,
        rows=rows,
        dev=loaded.dev,
        order=order,
        steps=steps,
        pulse=pulse,
        notebook=notebook,
        start_digest=loaded.digest,
        attempt=start.attempt,
        holding=kept,
        uploads=uploads,
        lines=lines,
    )


def _device(placement: TrainPlacement) -> torch.device:
    if not placement.gpus:
        return torch.device("cpu")
    from ray.train.torch import get_device

    device: torch.device = get_device()
    torch.cuda.set_device(device)
    return device


def _checkpoint(run: Running) -> None:
    placement, done = run.placement, run.lines[-1]
    part = checkpoints.Part(
        step=done.step,
        rank=run.rank,
        workers=dist.get_world_size(),
        zero_stage=placement.zero_stage,
        identity=run.job.identity,
        attempt=run.attempt,
        best=best_step(run.lines),
    )
    directory = checkpoints.save_part(run.job.progress, run.holding, part, run.lines)
    run.uploads.begin(directory, checkpoints.name_of(done.step), done.model_dump())


def _rotate(job: TrainJob, placement: TrainPlacement) -> None:
    """Older checkpoints go, and weights that none of the others would go back to. For one worker."""
    kept = checkpoints.rotate(job.progress, placement.keep_checkpoints, placement.keep_gib)
    if kept:
        best = {checkpoint.parts[0].best for checkpoint in kept}
        BestWeights.beside(job.progress).forget(until=kept[0].step, but=best)


def _export(run: Running) -> tuple[list[DataFile], str]:
    """Writes the model that comes out, and tells the digest of its weights. Collective; of rank 0."""
    job, keep = run.job, run.rank == 0
    weights = full_weights(run.lm.model, zero_stage=run.placement.zero_stage, keep=keep)
    files: list[DataFile] = []
    digest = ""
    if keep:
        best = best_step(run.lines)
        if job.settings.watch is not None and job.settings.watch.best and best is not None:
            weights = best_weights(run).take(best)
        if job.settings.lora is not None:
            weights = merged(weights, job.settings.lora)
        digest = weights_digest(weights)
        source = job.tokenizer or (job.model if job.model.config is None else None)
        tokenizer = load_tokenizer(job.root, source) if source else None
        with tempfile.TemporaryDirectory(prefix="fsa-ray-model-") as scratch:
            save_directory(run.lm.model, weights, tokenizer, Path(scratch))
            write_lines(Path(scratch) / "metrics.jsonl", run.lines)
            files = store_directory(Path(scratch), job.root, job.out)
    dist.barrier()
    return files, digest
