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
from fsa_ray.training.batches import StepRows, accumulation
from fsa_ray.training.export import full_weights, save_directory, store_directory
from fsa_ray.training.holding import holding, samples
from fsa_ray.training.look import best_weights, keep_best, looked_at
from fsa_ray.training.lora import merged
from fsa_ray.training.metrics import write_lines
from fsa_ray.training.model import load_tokenizer
from fsa_ray.training.pair_lm import PairLM
from fsa_ray.training.pair_rows import PairRows
from fsa_ray.training.probe import probe
from fsa_ray.training.pulse import Pulse
from fsa_ray.training.resume import start_of
from fsa_ray.training.rows import Rows, read_rows
from fsa_ray.training.running import Running
from fsa_ray.training.settings import TrainJob
from fsa_ray.training.step import take_step
from fsa_ray.training.student import Student, load_student, weights_digest
from fsa_ray.training.uploads import Uploads
from fsa_ray.training.watch import BestWeights, best_step, is_over
from fsa_ray.training.zero import start_engine

log = logging.getLogger(__name__)


def work(job: TrainJob, placement: TrainPlacement) -> dict[str, Any] | Drained:
    """Trains; runs in every worker of a Ray Train group. Returns the fields of a TrainOutcome (of rank 0), `mistake`:
    the text of a ValueError that another try would not mend, or Drained after a checkpoint, when a machine goes."""
    begun = time.monotonic()
    torch.set_num_threads(placement.threads_per_worker)
    dist.init_process_group("nccl" if placement.gpus else "gloo")
    try:
        run = _prepare(job, placement)
    except ValueError as error:
        return {"mistake": str(error)}
    started, resumed_at = time.monotonic(), len(run.lines)
    left_off = False
    try:
        while not left_off and not _is_finished(run):
            line = looked_at(run, take_step(run, len(run.lines)))
            if not math.isfinite(line.loss):
                return {
                    "mistake": f"the loss is {line.loss} at step {line.step}; lower learning_rate or raise warmup_ratio"
                }
            run.lines.append(line)
            keep_best(run)
            run.notebook.step(line.step)
            run.pulse.beat(run.lines, run.steps)
            if run.draining or line.step % job.settings.checkpoint_every == 0:
                _checkpoint(run)
            left_off = run.draining and not _is_finished(run)
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
        "parameters": sum(getattr(p, "ds_numel", p.numel()) for p in run.lm.parameters()),
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


def _prepare(job: TrainJob, placement: TrainPlacement) -> Running:
    settings, workers = job.settings, dist.get_world_size()
    accumulation(settings.global_batch, workers, placement.micro_batch)
    rows = read_rows(job.root, job.corpus)
    order = StepRows(len(rows), settings.global_batch, settings.seed)
    steps = settings.max_steps if settings.max_steps is not None else order.steps(settings.epochs or 0)
    device = _device(placement)
    lm, start_digest = load_student(job, placement, digest=dist.get_rank() == 0)
    dev = None if job.dev is None else read_rows(job.root, job.dev)
    for corpus in (rows, dev):
        if corpus is not None:
            _refuse_strange(corpus, lm)
    if settings.watch is not None and dev is None:
        raise ValueError("watch: this training has no examples to look at; leave the section out")
    if settings.soft_labels is not None and rows.soft is None:
        raise ValueError("soft_labels: no example of the corpus has the teacher's probabilities of label words")
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
    pulse = Pulse(job.progress, dist.get_rank())
    notebook = Notebook(job.progress, dist.get_rank(), start.attempt, workers, len(lines))
    uploads = Uploads((lambda: _rotate(job, placement)) if dist.get_rank() == 0 else (lambda: None))
    return Running(
        job=job,
        placement=placement,
        device=device,
        engine=engine,
        lm=lm,
        rows=rows,
        dev=dev,
        order=order,
        steps=steps,
        pulse=pulse,
        notebook=notebook,
        start_digest=start_digest,
        attempt=start.attempt,
        holding=kept,
        uploads=uploads,
        lines=lines,
    )


def _refuse_strange(rows: Rows, lm: Student) -> None:
    """Raises ValueError for rows that this kind of model does not read, or tokens that it does not know."""
    if isinstance(rows, PairRows) != isinstance(lm, PairLM):
        kind = "an encoder-decoder" if isinstance(lm, PairLM) else "a causal model"
        held = "pairs of texts" if isinstance(rows, PairRows) else "packed rows"
        raise ValueError(
            f"the student ({lm.model.config.model_type}) is {kind}, but the corpus holds {held}; "
            "the recipe fsa trains encoder-decoders on pairs, all others train causal models on packed rows"
        )
    known = lm.model.get_input_embeddings().num_embeddings
    if rows.highest_token >= known:
        raise ValueError(
            f"the corpus has token id {rows.highest_token}, the model knows {known}: "
            "pack with the tokenizer of the model that is trained"
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
    directory = checkpoints.save_part(run.holding, part, run.lines)
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
