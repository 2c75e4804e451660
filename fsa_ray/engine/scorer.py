"""How hard answers are for a proxy model: teacher forcing in batches, as units on Ray Data actors."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from fsa_ray.engine.units import Counts

_EASY = 1e-6


class ScorePlacement(BaseModel):
    """Section `score` of a placement."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workers: int = Field(default=1, ge=1)
    threads: int = Field(default=2, ge=1)  # of each worker
    gpus: float = Field(default=0.0, ge=0)  # of each worker
    unit_rows: int = Field(default=512, ge=1)  # rows committed together
    batch_tokens: int = Field(default=4096, ge=1)  # of one forward pass, padding included
    logits_mib: int = Field(default=256, ge=1)  # of one forward pass


@dataclass(frozen=True)
class Pair:
    """Token ids of a prompt and its answer; the last `answer` ids are the answer."""

    ids: list[int]
    answer: int


@dataclass(frozen=True)
class Score:
    """`difficulty` is None for an answer without tokens."""

    difficulty: float | None
    answer_tokens: int
    perplexity: float | None


class Encoding(Protocol):
    """Rows to pairs in the model's own chat format. Sent to workers: keep it small, load lazily."""

    def pairs(self, rows: pa.Table) -> list[Pair]: ...


@dataclass
class Scorer:
    """Scores pairs with the causal language model at `path` (a directory or hub id), loaded when first used.

    Difficulty: the mean over an answer's tokens of rank / nucleus, 1 for tokens outside the nucleus; tokens that the
    model ranks first are left out of the mean (0 if there are no others) unless `count_top`. Source: CompEffDist,
    difficulty (ranking-based).
    """

    path: str
    tau: float = 0.95
    count_top: bool = False
    dtype: str = "float32"
    trust_remote_code: bool = False
    placement: ScorePlacement = field(default_factory=ScorePlacement)

    def score(self, pairs: list[Pair]) -> list[Score]:
        """In the order of the pairs. An answer needs at least one prompt token before it."""
        scores: list[Score | None] = [None] * len(pairs)
        for batch in self._batches(pairs):
            for index, score in zip(batch, self._score_batch([pairs[index] for index in batch]), strict=True):
                scores[index] = score
        return [score or Score(None, 0, None) for score in scores]

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        if not self.placement.gpus:
            torch.set_num_threads(self.placement.threads)
        model = AutoModelForCausalLM.from_pretrained(
            self.path,
            dtype=getattr(torch, self.dtype),
            use_safetensors=True,
            trust_remote_code=self.trust_remote_code,
        )
        return model.eval().to("cuda" if self.placement.gpus else "cpu")

    def _batches(self, pairs: list[Pair]) -> Iterator[list[int]]:
        """Indices of pairs of like length, within the limits on tokens and logits of one pass."""
        order = sorted((i for i, pair in enumerate(pairs) if pair.answer), key=lambda i: -len(pairs[i].ids))
        bytes_per_position = 4 * int(self._model.config.get_text_config().vocab_size)
        batch: list[int] = []
        answer = 0
        for index in order:
            wider = max(answer, pairs[index].answer)
            tokens = len(pairs[(batch or [index])[0]].ids) * (len(batch) + 1)
            logits = wider * (len(batch) + 1) * bytes_per_position
            if batch and (tokens > self.placement.batch_tokens or logits > self.placement.logits_mib << 20):
                yield batch
                batch, wider = [], pairs[index].answer
            batch.append(index)
            answer = wider
        if batch:
            yield batch

    def _score_batch(self, pairs: list[Pair]) -> list[Score]:
        import torch

        from fsa_ray.engine.ranking import rank_tokens

        with torch.inference_mode():
            logits, targets = self._answer_logits(pairs)
            tokens = rank_tokens(logits, targets, tau=self.tau)
        parts = np.cumsum([pair.answer for pair in pairs])[:-1]
        columns = (tokens.ranks.numpy(), tokens.nuclei.numpy(), tokens.logprobs.numpy())
        splits = (np.split(column, parts) for column in columns)
        return [self._score_of(*columns) for columns in zip(*splits, strict=True)]

    def _score_of(
        self, ranks: npt.NDArray[np.int64], nuclei: npt.NDArray[np.int64], logprobs: npt.NDArray[np.float64]
    ) -> Score:
        hard = np.where(ranks < nuclei, ranks / nuclei, 1.0)
        counted = hard if self.count_top else hard[hard > _EASY]
        difficulty = float(counted.mean()) if len(counted) else 0.0
        return Score(difficulty, len(ranks), float(np.exp(-logprobs.mean())))

    def _answer_logits(self, pairs: list[Pair]) -> tuple[Any, Any]:
        """Logits (t, vocabulary) at the steps that predict the answers' tokens, and those tokens (t,).

        Pairs are padded on the left, so that all answers lie at the end and no other logits need be computed.
        """
        import torch

        width, keep = max(len(pair.ids) for pair in pairs), max(pair.answer for pair in pairs) + 1
        ids = torch.zeros((len(pairs), width), dtype=torch.int64)
        mask = torch.zeros_like(ids)
        wanted = torch.zeros((len(pairs), keep - 1), dtype=torch.bool)
        for row, pair in enumerate(pairs):
            ids[row, width - len(pair.ids) :] = torch.tensor(pair.ids)
            mask[row, width - len(pair.ids) :] = 1
            wanted[row, keep - 1 - pair.answer :] = True
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        device = self._model.device
        kept = {"logits_to_keep": keep} if "logits_to_keep" in inspect.signature(self._model.forward).parameters else {}
        logits = self._model(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            position_ids=positions.to(device),
            use_cache=False,
            **kept,
        ).logits[:, -keep:-1]
        return logits[wanted.to(device)], ids[:, 1 - keep :][wanted].to(device)


@dataclass
class ScoreExamples:
    """A mapping for `map_units`: the rows with columns `difficulty`, `answer_tokens` and `error`."""

    scorer: Scorer
    encoding: Encoding
    max_length: int  # tokens; longer pairs get an error

    def __call__(self, rows: pa.Table) -> tuple[pa.Table, Counts]:
        pairs = self.encoding.pairs(rows)
        errors = [self._error(pair) for pair in pairs]
        scored = iter(self.scorer.score([pair for pair, error in zip(pairs, errors, strict=True) if error is None]))
        scores = [
            next(scored) if error is None else Score(None, pair.answer, None)
            for pair, error in zip(pairs, errors, strict=True)
        ]
        table = rows.append_column("difficulty", pa.array([score.difficulty for score in scores], pa.float64()))
        table = table.append_column("answer_tokens", pa.array([score.answer_tokens for score in scores], pa.int32()))
        table = table.append_column("error", pa.array(errors, pa.string()))
        failed = sum(error is not None for error in errors)
        return table, Counts(rows=len(rows), prompts=len(rows), failed=failed)

    def _error(self, pair: Pair) -> str | None:
        if not pair.answer:
            return "the answer has no tokens"
        if pair.answer == len(pair.ids):
            return "the prompt has no tokens"
        if len(pair.ids) > self.max_length:
            return f"{len(pair.ids)} tokens; at most {self.max_length} are scored"
        return None
