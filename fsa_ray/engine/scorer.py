"""Ranks and log-probabilities of the tokens of answers: teacher forcing in batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from fsa_ray.engine.pair import Pair
from fsa_ray.engine.placement import WorkersPlacement

if TYPE_CHECKING:
    from fsa_ray.engine.causal import CausalModel
    from fsa_ray.engine.ranking import TokenRanks


class ScorePlacement(WorkersPlacement):
    """Section `score`: difficulty, by models that torch runs."""

    unit_rows: int = Field(default=512, ge=1, description="rows committed together")
    batch_tokens: int = Field(default=4096, ge=1, description="of one forward pass, padding included")
    logits_mib: int = Field(default=256, ge=1, description="held at a time")


@dataclass
class Scorer:
    """Reads pairs with the causal language model at `path` (a directory or hub id), loaded when first used.

    Results are of the answers' tokens, one answer after the other in the order of the pairs. An answer needs at least
    one prompt token before it. Memory is that of the model, of one pass and of `logits_mib` of logits, however long
    the answers are.
    """

    path: str | PathLike[str]
    dtype: str = "float32"
    trust_remote_code: bool = False
    placement: ScorePlacement = field(default_factory=ScorePlacement)

    def rank(self, pairs: list[Pair], tau: float) -> "TokenRanks":
        """Rank, nucleus and log-probability of each token, exact. Errors: ValueError if logits are NaN."""
        from fsa_ray.engine.ranking import TokenRanks, rank_tokens

        threads, parts = self.placement.threads, [TokenRanks.nothing()]
        order = self._read(
            pairs, lambda logits, targets: parts.append(rank_tokens(logits, targets, tau=tau, threads=threads))
        )
        columns = ([getattr(part, name) for part in parts] for name in ("ranks", "nuclei", "logprobs"))
        return TokenRanks(*(np.concatenate(column)[order] for column in columns))

    def logprobs(self, pairs: list[Pair]) -> npt.NDArray[np.float64]:
        """Log-probability of each token (t,), without ranking it. Errors: ValueError if logits are NaN."""
        from fsa_ray.engine.ranking import token_logprobs

        threads, parts = self.placement.threads, [np.empty(0)]
        order = self._read(
            pairs, lambda logits, targets: parts.append(token_logprobs(logits, targets, threads=threads))
        )
        return np.concatenate(parts)[order]

    @cached_property
    def _model(self) -> "CausalModel":
        from fsa_ray.engine.causal import CausalModel

        return CausalModel(
            fspath(self.path),
            dtype=self.dtype,
            gpu=self.placement.gpus > 0,
            threads=self.placement.threads,
            trust_remote_code=self.trust_remote_code,
        )

    def _read(self, pairs: list[Pair], take: Callable[[Any, Any], None]) -> npt.NDArray[np.int64]:
        """Give `take` logits and ids of all tokens, a part at a time; returns where each token's turn was."""
        ends = np.cumsum([pair.answer for pair in pairs], dtype=np.int64)
        places = [np.empty(0, np.int64)]
        for batch in self._batches(pairs):
            places += [np.arange(ends[index] - pairs[index].answer, ends[index]) for index in batch]
            self._model.read([pairs[index] for index in batch], self.placement.logits_mib, take)
        return np.argsort(np.concatenate(places))

    def _batches(self, pairs: list[Pair]) -> Iterator[list[int]]:
        """Indices of pairs of like length, within the limit on tokens of one pass."""
        order = sorted((i for i, pair in enumerate(pairs) if pair.answer), key=lambda i: -len(pairs[i].ids))
        batch: list[int] = []
        for index in order:
            if batch and len(pairs[batch[0]].ids) * (len(batch) + 1) > self.placement.batch_tokens:
                yield batch
                batch = []
            batch.append(index)
        if batch:
            yield batch
