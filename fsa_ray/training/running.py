"""A training run while it runs, in one worker."""

from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist

from fsa_ray.engine.train import TrainPlacement
from fsa_ray.training.answer_loss import SoftBatch
from fsa_ray.training.attempts import Notebook
from fsa_ray.training.batches import StepRows
from fsa_ray.training.holding import Holding
from fsa_ray.training.metrics import StepLine
from fsa_ray.training.packing import Ints
from fsa_ray.training.pulse import Pulse
from fsa_ray.training.rows import Rows
from fsa_ray.training.settings import TrainJob
from fsa_ray.training.student import Student
from fsa_ray.training.uploads import Uploads


@dataclass
class Running:
    job: TrainJob
    placement: TrainPlacement
    device: torch.device
    engine: Any
    lm: Student
    rows: Rows
    dev: Rows | None
    order: StepRows
    steps: int
    pulse: Pulse
    notebook: Notebook
    start_digest: str | None
    attempt: str  # a name for this group of workers
    holding: Holding
    uploads: Uploads
    lines: list[StepLine] = field(default_factory=list)
    draining: bool = False  # one of the group's machines is going; all workers learn of it after the same step

    @property
    def rank(self) -> int:
        return int(dist.get_rank())


def batch_of(run: Running, rows: Rows, numbers: Ints, beside: Ints) -> dict[str, Any]:
    """The arguments of the student's forward; `beside`: what all workers read at that moment."""
    arrays = rows.arrays(numbers, beside)
    batch: dict[str, Any] = {
        name: torch.from_numpy(array).to(run.device, torch.int64) for name, array in arrays.items()
    }
    if run.lm.soft is not None and rows.soft is not None:
        row, place, tokens, logprobs = rows.soft.of_rows(numbers)
        places = torch.from_numpy(rows.soft_places(row, place, arrays))
        parts = (places, torch.from_numpy(tokens), torch.from_numpy(logprobs))
        batch["soft"] = SoftBatch(*(part.to(run.device) for part in parts))
    return batch
