"""What one train worker does: load, restore, step, checkpoint, export."""

import logging
import math
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray.train
import torch
import torch.distributed as dist

from fsa_ray.core.artifact import DataFile
from fsa_ray.engine.train import TrainPlacement
from fsa_ray.training import checkpoints
from fsa_ray.training.batches import PackedRows, StepRows, accumulation, read_rows
from fsa_ray.training.export import full_weights, save_directory, store_directory
from fsa_ray.training.loss import PackedLM
from fsa_ray.training.metrics import StepLine, write_lines
from fsa_ray.training.model import DTYPES, load_model, load_tokenizer
from fsa_ray.training.probe import check_isolation
from fsa_ray.training.pulse import Pulse
from fsa_ray.training.schedule import learning_rate
from fsa_ray.training.settings import TrainJob
from fsa_ray.training.zero import start_engine

log = logging.getLogger(__name__)


@dataclass
class _Run:
    job: TrainJob
    placement: TrainPlacement
    device: torch.device
    engine: Any
    lm: PackedLM
    rows: PackedRows
    order: StepRows
    steps: int
    pulse: Pulse
    lines: list[StepLine] = field(default_factory=list)

    @property
    def rank(self) -> int:
        return int(dist.get_rank())


def work(job: TrainJob, placement: TrainPlacement) -> dict[str, Any]:
    """Trains; runs in every worker of a Ray Train group. Returns the fields of a TrainOutcome (of rank 0), or
    `mistake`: the text of a ValueError that another try would not mend."""
    begun = time.monotonic()
    torch.set_num_threads(placement.threads_per_worker)
    dist.init_process_group("nccl" if placement.gpus else "gloo")
    try:
        run = _prepare(job, placement)
    except ValueError as error:
        return {"mistake": str(error)}
    started, resumed_at = time.monotonic(), len(run.lines)
    while len(run.lines) < run.steps:
        line = _step(run, len(run.lines))
        if not math.isfinite(line.loss):
            return {
                "mistake": f"the loss is {line.loss} at step {line.step}; lower learning_rate or raise warmup_ratio"
            }
        run.lines.append(line)
        run.pulse.beat(run.lines, run.steps)
        if line.step % job.settings.checkpoint_every == 0:
            _checkpoint(run)
    trained = time.monotonic()
    files = _export(run)
    return {
        "files": files,
        "steps": run.steps,
        "resumed_at": resumed_at,
        "rows": len(run.rows),
        "parameters": sum(getattr(p, "ds_numel", p.numel()) for p in run.lm.parameters()),
        "answer_tokens": sum(line.answer_tokens for line in run.lines),
        "tokens": sum(line.tokens for line in run.lines),
        "final_loss": run.lines[-1].loss,
        "prepare_seconds": started - begun,
        "train_seconds": trained - started,
        "export_seconds": time.monotonic() - trained,
    }


def _prepare(job: TrainJob, placement: TrainPlacement) -> _Run:
    settings, workers = job.settings, dist.get_world_size()
    accumulation(settings.global_batch, workers, placement.micro_batch)
    rows = read_rows(job.root, job.corpus)
    order = StepRows(len(rows), settings.global_batch, settings.seed)
    steps = settings.max_steps if settings.max_steps is not None else order.steps(settings.epochs or 0)
    device = _device(placement)
    model = load_model(job.root, job.model, DTYPES[settings.precision], placement.attention)
    if placement.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    lm = PackedLM(model)
    if int(rows.tokens.max()) >= lm.vocabulary:
        raise ValueError(
            f"the corpus has token id {rows.tokens.max()}, the model knows {lm.vocabulary}: "
            "pack with the tokenizer of the model that is trained"
        )
    engine = start_engine(lm, settings, placement, device)
    check_isolation(lm, device)
    pulse = Pulse(job.progress, dist.get_rank())
    run = _Run(job, placement, device, engine, lm, rows, order, steps, pulse)
    _resume(run)
    return run


def _device(placement: TrainPlacement) -> torch.device:
    if not placement.gpus:
        return torch.device("cpu")
    from ray.train.torch import get_device

    device: torch.device = get_device()
    torch.cuda.set_device(device)
    return device


def _resume(run: _Run) -> None:
    found = checkpoints.newest_complete(run.job.progress)
    if found is not None:
        placement = run.placement
        checkpoints.refuse_stranger(
            found, workers=placement.workers, zero_stage=placement.zero_stage, identity=run.job.identity
        )
        run.lines = checkpoints.restore(run.engine, found)
        log.warning("resumed at step %d of %d", len(run.lines), run.steps)
    dist.barrier()
    if run.rank == 0:
        checkpoints.remove_others(run.job.progress, found)
    dist.barrier()


def _step(run: _Run, step: int) -> StepLine:
    """One optimiser step (`step` from 0). The loss is summed over the micro-batches of all workers and divided by the
    answer tokens of the global batch, so neither their number nor their size changes it."""
    begun, settings, workers = time.monotonic(), run.job.settings, dist.get_world_size()
    torch.manual_seed(hash((settings.seed, step, run.rank)))
    answer_tokens = int(run.rows.answer_tokens[run.order.of_step(step)].sum())
    mine = run.order.of_step(step, run.rank, workers)
    rate = learning_rate(settings, step, run.steps)
    for group in run.engine.optimizer.param_groups:
        group["lr"] = rate
    total = torch.zeros((), device=run.device)
    micro_batches = mine.reshape(-1, run.placement.micro_batch)
    for number, numbers in enumerate(micro_batches):
        run.engine.set_gradient_accumulation_boundary(number == len(micro_batches) - 1)
        loss = run.engine(*_tensors(run.rows, numbers, run.device))
        # DeepSpeed divides by the workers when it averages their gradients.
        run.engine.backward(loss * (workers / answer_tokens))
        total += loss.detach()
    run.engine.step()
    dist.all_reduce(total)
    norm = run.engine.get_global_grad_norm()
    line = StepLine(
        step=step + 1,
        loss=total.item() / answer_tokens,
        lr=rate,
        answer_tokens=answer_tokens,
        tokens=settings.global_batch * run.rows.tokens.shape[1],
        grad_norm=None if norm is None else float(norm),
        seconds=time.monotonic() - begun,
    )
    if run.rank == 0:
        log.info("step %d of %d: loss %.4f, rate %.2e", line.step, run.steps, line.loss, line.lr)
    return line


def _tensors(rows: PackedRows, numbers: Any, device: torch.device) -> list[torch.Tensor]:
    arrays = (rows.tokens[numbers], rows.labels[numbers], rows.positions[numbers])
    return [torch.from_numpy(array).to(device, torch.int64) for array in arrays]


def _checkpoint(run: _Run) -> None:
    placement, done = run.placement, run.lines[-1]
    part = checkpoints.Part(
        step=done.step,
        rank=run.rank,
        workers=placement.workers,
        zero_stage=placement.zero_stage,
        identity=run.job.identity,
        files={},
    )
    directory = checkpoints.save_part(run.engine, part, run.lines)
    ray.train.report(
        done.model_dump(),
        checkpoint=ray.train.Checkpoint.from_directory(directory),
        checkpoint_dir_name=checkpoints.name_of(done.step),
        delete_local_checkpoint_after_upload=True,
    )


def _export(run: _Run) -> list[DataFile]:
    job, keep = run.job, run.rank == 0
    weights = full_weights(run.lm.model, zero_stage=run.placement.zero_stage, keep=keep)
    files: list[DataFile] = []
    if keep:
        source = job.tokenizer or (job.model if job.model.config is None else None)
        tokenizer = load_tokenizer(job.root, source) if source else None
        with tempfile.TemporaryDirectory(prefix="fsa-ray-model-") as scratch:
            save_directory(run.lm.model, weights, tokenizer, Path(scratch))
            write_lines(Path(scratch) / "metrics.jsonl", run.lines)
            files = store_directory(Path(scratch), job.root, job.out)
    dist.barrier()
    return files
