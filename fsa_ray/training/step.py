"""One optimiser step."""

import logging
import time
from typing import Any

import torch
import torch.distributed as dist

from fsa_ray.training.drain import is_drained
from fsa_ray.training.metrics import StepLine
from fsa_ray.training.running import Running, batch_of
from fsa_ray.training.schedule import learning_rate

log = logging.getLogger(__name__)


def take_step(run: Running, step: int) -> StepLine:
    """One optimiser step (`step` from 0). Losses are summed over the micro-batches of all workers and divided by what
    the global batch holds, so neither their number nor their size changes them. With the sums goes whether a worker
    knows of a machine that is drained."""
    begun, settings, workers = time.monotonic(), run.job.settings, dist.get_world_size()
    torch.manual_seed(hash((settings.seed, step, run.rank)))
    numbers, soft = run.order.of_step(step), settings.soft_labels
    answer_tokens = int(run.rows.answer_tokens[numbers].sum())
    labelled = 0 if soft is None or run.rows.soft is None else run.rows.soft.count(numbers)
    weight = 0.0 if soft is None else soft.weight
    rate = learning_rate(settings, step, run.steps)
    for group in run.engine.optimizer.param_groups:
        group["lr"] = rate
    sums = torch.zeros(4, dtype=torch.float64, device=run.device)
    dealt = run.rows.dealt(numbers, workers, run.placement.micro_batch)
    for number, mine in enumerate(dealt[run.rank]):
        run.engine.set_gradient_accumulation_boundary(number == dealt.shape[1] - 1)
        batch = batch_of(run, run.rows, mine, dealt[:, number].reshape(-1))
        text, label = run.engine(**batch)
        # DeepSpeed divides by the workers when it averages their gradients.
        loss = text * ((1 - weight) * workers / answer_tokens)
        if soft is not None:
            loss = loss + label * (weight * workers / max(labelled, 1))
        run.engine.backward(loss)
        sums[:3] += torch.stack([text.detach(), label.detach(), text.new_tensor(_size(batch))])
    run.engine.step()
    sums[3] = is_drained()
    dist.all_reduce(sums)
    run.draining = bool(sums[3])
    norm = run.engine.get_global_grad_norm()
    line = StepLine(
        step=step + 1,
        loss=sums[0].item() / answer_tokens,
        lr=rate,
        answer_tokens=answer_tokens,
        tokens=int(sums[2]),
        grad_norm=None if norm is None else float(norm),
        seconds=time.monotonic() - begun,
        label_loss=sums[1].item() / labelled if labelled else None,
    )
    if run.rank == 0:
        log.info("step %d of %d: loss %.4f, rate %.2e", line.step, run.steps, line.loss, line.lr)
    return line


def _size(batch: dict[str, Any]) -> int:
    """Tokens that a micro-batch costs, padding too: what is read and, in an encoder-decoder, what is written."""
    return int(batch["tokens"].numel() + (batch["labels"].numel() if "mask" in batch else 0))
