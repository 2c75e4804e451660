"""Which rows of a corpus a training step reads."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fsa_ray.training.packing import Ints


@dataclass(frozen=True)
class StepRows:
    """The order of rows over a whole run: epoch `e` is `permutation(seed, e)`, and epochs follow one another.

    Step `k` reads places `k * global_batch` to `(k + 1) * global_batch` of that endless sequence. Batches run across
    the end of an epoch, so every row is seen equally often: in a run of `steps(epochs)` steps each row `epochs` times
    and, where the last batch needs filling, the first rows of the next epoch once more.
    """

    row_count: int
    global_batch: int
    seed: int

    def __post_init__(self) -> None:
        if self.row_count < 1:
            raise ValueError("the corpus has no rows; look at its rejects for the reason")

    def steps(self, epochs: float) -> int:
        """Steps that show each row `epochs` times (rounded up to a whole batch)."""
        return -int(-epochs * self.row_count // self.global_batch)

    def of_step(self, step: int) -> Ints:
        """Row numbers of the global batch of `step`, int64 [global_batch]."""
        places = np.arange(self.global_batch) + step * self.global_batch
        epochs, within = np.divmod(places, self.row_count)
        rows = np.empty(self.global_batch, np.int64)
        for epoch in np.unique(epochs).tolist():
            chosen = epochs == epoch
            rows[chosen] = _permutation(self.row_count, self.seed, epoch)[within[chosen]]
        return rows


@lru_cache(maxsize=2)
def _permutation(row_count: int, seed: int, epoch: int) -> Ints:
    return np.random.default_rng([seed, 1, epoch]).permutation(row_count)


def accumulation(global_batch: int, workers: int, micro_batch: int) -> int:
    """Micro-batches that each worker runs per step. ValueError if they do not add up to the global batch."""
    each, rest = divmod(global_batch, workers * micro_batch)
    if rest or not each:
        raise ValueError(
            f"global_batch {global_batch} is not a multiple of workers x micro_batch ({workers} x {micro_batch}); "
            "the global batch is part of the result, so change the placement's workers or micro_batch"
        )
    return each


def group_sizes(global_batch: int, workers: int, min_workers: int | None, micro_batch: int) -> list[int]:
    """The numbers of workers, from `workers` down to `min_workers`, that divide the global batch; others between them
    are skipped. ValueError if `workers` or `min_workers` itself does not."""
    accumulation(global_batch, workers, micro_batch)
    dividing = [size for size in range(workers, 0, -1) if global_batch % (size * micro_batch) == 0]
    fewest = workers if min_workers is None else min_workers
    if fewest not in dividing:
        raise ValueError(
            f"global_batch {global_batch} is not a multiple of min_workers x micro_batch ({fewest} x {micro_batch}); "
            f"set min_workers of the placement to one of {', '.join(map(str, reversed(dividing)))}"
        )
    return [size for size in dividing if size >= fewest]
