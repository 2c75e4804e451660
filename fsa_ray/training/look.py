"""Looking at examples that are not trained on, and keeping the weights that do best on them."""

import numpy as np
import torch
import torch.distributed as dist

from fsa_ray.training.export import full_weights
from fsa_ray.training.metrics import StepLine
from fsa_ray.training.packing import IGNORE
from fsa_ray.training.rows import filled
from fsa_ray.training.running import Running, batch_of
from fsa_ray.training.watch import BestWeights, best_step


def looked_at(run: Running, line: StepLine) -> StepLine:
    """The step's line with the loss on the watched examples, if it is time to look: also after the last. Collective."""
    watch = run.job.settings.watch
    if watch is None or run.dev is None or (line.step % watch.every and line.step != run.steps):
        return line
    workers, micro_batch = dist.get_world_size(), run.placement.micro_batch
    numbers, counts = filled(len(run.dev), workers, micro_batch)
    places = np.arange(len(numbers)).reshape(workers, -1, micro_batch)
    total = torch.zeros((), dtype=torch.float64, device=run.device)
    soft, run.lm.soft = run.lm.soft, None
    run.engine.eval()
    with torch.no_grad():
        for number, mine in enumerate(places[run.rank]):
            batch = batch_of(run, run.dev, numbers[mine], numbers[places[:, number].reshape(-1)])
            batch["labels"][torch.from_numpy(~counts[mine])] = IGNORE
            total += run.engine(**batch)[0]
    run.engine.train()
    run.lm.soft = soft
    dist.all_reduce(total)
    return line.model_copy(update={"dev_loss": total.item() / int(run.dev.answer_tokens.sum())})


def keep_best(run: Running) -> None:
    """Stores the weights if the step just done was the best so far. Collective."""
    watch, done = run.job.settings.watch, run.lines[-1]
    if watch is None or not watch.best or done.dev_loss is None or best_step(run.lines) != done.step:
        return
    weights = full_weights(run.lm.model, zero_stage=run.placement.zero_stage, keep=run.rank == 0)
    if run.rank == 0:
        best_weights(run).keep(done.step, weights)


def best_weights(run: Running) -> BestWeights:
    return BestWeights.beside(run.job.progress)
