"""How hard examples are for a model: what the scorer finds of their tokens meets the formulas. Sent to workers."""

from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsa_ray.engine.pair import Pair
from fsa_ray.engine.scorer import Scorer
from fsa_ray.engine.units import Counts
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.sentiment.difficulty import ifd, lengths, perplexity, ranking_difficulty
from fsa_ray.stages.model import chat_format

Metric = Literal["rank", "perplexity", "ifd", "length"]
METRICS: dict[Metric, str] = {
    "rank": "Mean relative rank of the answer's tokens for the proxy model.",
    "perplexity": "Perplexity of the answer for the proxy model.",
    "ifd": "Perplexity of the answer after its prompt over that of the answer alone, for the proxy model.",
    "length": "Number of the answer's tokens.",
}
"""What each metric is, in words."""

Floats = npt.NDArray[np.float64]


class Encoding(Protocol):
    """Rows to pairs in the model's own chat format. Keep it small, load lazily."""

    def pairs(self, rows: pa.Table) -> list[Pair]: ...
    def alone(self, rows: pa.Table) -> list[Pair]:
        """The same answers, token by token, without their prompts."""


@dataclass(frozen=True)
class ChatEncoding:
    """Prompts and answers in the chat format of the model at `path`."""

    path: str | PathLike[str]
    trust_remote_code: bool = False

    @cached_property
    def chat(self) -> ChatFormat:
        return chat_format(self.path, self.trust_remote_code)

    def pairs(self, rows: pa.Table) -> list[Pair]:
        prompts, answers = rows["prompt"].to_pylist(), rows["answer"].to_pylist()
        return [self._pair(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]

    def alone(self, rows: pa.Table) -> list[Pair]:
        """After an empty user turn. So the answer's first token is predicted even where a tokenizer has no BOS, and
        what IFD compares differs by the user's text alone, not by the template around it."""
        return [self._pair("", answer) for answer in rows["answer"].to_pylist()]

    def _pair(self, prompt: str, answer: str) -> Pair:
        ids, prompt_length = self.chat.example_ids(prompt, answer)
        return Pair(ids, len(ids) - prompt_length)


@dataclass
class ScoreExamples:
    """A mapping for `map_units`: the rows with columns `difficulty`, `answer_tokens` and `error`.

    Its counts' prompt tokens are all tokens that the model read. `max_length` (tokens of prompt and answer) holds for
    every metric, so that all of them choose among the same examples.
    """

    scorer: Scorer
    encoding: Encoding
    max_length: int
    metric: Metric = "rank"
    tau: float = 0.95
    count_top: bool = False

    def __call__(self, rows: pa.Table) -> tuple[pa.Table, Counts]:
        pairs = self.encoding.pairs(rows)
        errors = [self._error(pair) for pair in pairs]
        good = [place for place, error in enumerate(errors) if error is None]
        values = np.full(len(pairs), np.nan)
        values[good], read = self._difficulties(rows.take(good), [pairs[place] for place in good])
        for place in good:
            if not np.isfinite(values[place]):
                errors[place] = f"its {self.metric} is {values[place]}: the model rules out one of its tokens"
        table = rows.append_column("difficulty", pa.array(values, pa.float64(), mask=~np.isfinite(values)))
        table = table.append_column("answer_tokens", pa.array([pair.answer for pair in pairs], pa.int32()))
        table = table.append_column("error", pa.array(errors, pa.string()))
        failed = sum(error is not None for error in errors)
        return table, Counts(rows=len(rows), prompts=len(rows), prompt_tokens=read, failed=failed)

    def _difficulties(self, rows: pa.Table, pairs: list[Pair]) -> tuple[Floats, int]:
        """Of each row, higher is harder, and how many tokens the model read."""
        bounds = np.cumsum([0, *(pair.answer for pair in pairs)])
        read = sum(len(pair.ids) for pair in pairs)
        match self.metric:
            case "rank":
                found = self.scorer.rank(pairs, self.tau)
                return ranking_difficulty(found.ranks, found.nuclei, bounds, include_first=self.count_top), read
            case "perplexity":
                return perplexity(self.scorer.logprobs(pairs), bounds), read
            case "ifd":
                alone = self.encoding.alone(rows)
                read += sum(len(pair.ids) for pair in alone)
                return ifd(self.scorer.logprobs(pairs), self.scorer.logprobs(alone), bounds), read
            case "length":
                return lengths(bounds), 0

    def _error(self, pair: Pair) -> str | None:
        if not pair.answer:
            return "the answer has no tokens"
        if pair.answer == len(pair.ids):
            return "the prompt has no tokens"
        if len(pair.ids) > self.max_length:
            return f"{len(pair.ids)} tokens; at most {self.max_length} are scored"
        return None
