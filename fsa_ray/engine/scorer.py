"""How hard answers are for a proxy model: teacher forcing in batches, as units on Ray Data actors."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from fsa_ray.engine.units import Counts

if TYPE_CHECKING:
    from fsa_ray.engine.ranking import TokenRanks

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

    @cached_property
    def _head_is_plain(self) -> bool:
        """Whether logits are the output layer of the last hidden state and nothing more (some models scale or cap)."""
        import torch

        ids = torch.arange(8, device=self._model.device)[None]
        with torch.inference_mode():
            whole = self._model(input_ids=ids, use_cache=False).logits
            parts = self._model.get_output_embeddings()(self._hidden(input_ids=ids))
        return bool(torch.allclose(whole, parts, rtol=1e-3, atol=1e-5))

    def _hidden(self, **inputs: Any) -> Any:
        return self._model.base_model(**inputs, use_cache=False).last_hidden_state

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

    def _score_batch(self, pairs: list[Pair]) -> list[Score]:
        import torch

        with torch.inference_mode():
            ranked = [self._rank(logits, targets) for logits, targets in self._answer_logits(pairs)]
        columns = [np.concatenate([getattr(part, name) for part in ranked]) for name in ("ranks", "nuclei", "logprobs")]
        parts = np.cumsum([pair.answer for pair in pairs])[:-1]
        rows = zip(*(np.split(column, parts) for column in columns), strict=True)
        return [self._score_of(*row) for row in rows]

    def _rank(self, logits: Any, targets: Any) -> "TokenRanks":
        from fsa_ray.engine.ranking import rank_tokens

        return rank_tokens(logits, targets, tau=self.tau, threads=self.placement.threads)

    def _score_of(
        self, ranks: npt.NDArray[np.int64], nuclei: npt.NDArray[np.int64], logprobs: npt.NDArray[np.float64]
    ) -> Score:
        hard = np.where(ranks < nuclei, ranks / nuclei, 1.0)
        counted = hard if self.count_top else hard[hard > _EASY]
        difficulty = float(counted.mean()) if len(counted) else 0.0
        return Score(difficulty, len(ranks), float(np.exp(-logprobs.mean())))

    def _answer_logits(self, pairs: list[Pair]) -> Iterator[tuple[Any, Any]]:
        """Logits (t, vocabulary) at the steps that predict the answers' tokens, and those tokens (t,), in parts that
        respect `logits_mib`. No other logits are computed where the model allows that."""
        import torch

        width = max(len(pair.ids) for pair in pairs)
        ids = torch.zeros((len(pairs), width), dtype=torch.int64)
        mask = torch.zeros_like(ids)
        wanted = torch.zeros_like(ids, dtype=torch.bool)  # one before the answer's tokens
        for row, pair in enumerate(pairs):
            ids[row, : len(pair.ids)] = torch.tensor(pair.ids)
            mask[row, : len(pair.ids)] = 1
            wanted[row, len(pair.ids) - pair.answer - 1 : len(pair.ids) - 1] = True
        targets = ids.roll(-1, 1)[wanted]
        inputs = {"input_ids": ids.to(self._model.device), "attention_mask": mask.to(self._model.device)}
        steps = max(1, (self.placement.logits_mib << 20) // (4 * self._model.config.get_text_config().vocab_size))
        if self._head_is_plain:
            head = self._model.get_output_embeddings()
            states = self._hidden(**inputs)[wanted].split(steps)
            logits = (head(state) for state in states)
        else:
            logits = iter(self._model(**inputs, use_cache=False).logits[wanted].split(steps))
        return zip(logits, targets.to(self._model.device).split(steps), strict=True)


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
