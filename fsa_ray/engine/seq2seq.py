"""Answers of encoder-decoder models, which our engine does not serve: batched `generate` in Ray Data actors."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike, fspath
from typing import Any, Protocol

import pyarrow as pa
from pydantic import Field

from fsa_ray.engine.placement import WorkersPlacement
from fsa_ray.engine.units import Counts
from fsa_ray.schemas.rows import ANSWER


class Seq2SeqPlacement(WorkersPlacement):
    """Section `seq2seq`: encoder-decoders that are asked."""

    unit_rows: int = Field(default=256, ge=1, description="rows committed together")
    batch_tokens: int = Field(default=8192, ge=1, description="of the encoder's input, padding included")


class Texts(Protocol):
    """How a model reads and writes. Ids come with whether the text was cut."""

    @property
    def end_id(self) -> int: ...
    def source_ids(self, text: str) -> tuple[list[int], bool]: ...
    def target_ids(self, text: str) -> tuple[list[int], bool]: ...
    def text(self, ids: list[int]) -> str: ...


@dataclass
class Seq2SeqAnswering:
    """Rows of QUESTION to rows of ANSWER by the model at `path`, loaded when first used.

    A free answer is greedy; with `labels`, each label's log-likelihood as the whole target without its end token. An
    answer depends on its own prompt alone: padding is masked, and batches are cut by length only to save work.
    """

    path: str | PathLike[str]
    load_texts: Callable[[], Texts]
    dtype: str
    trust_remote_code: bool = False
    placement: Seq2SeqPlacement = field(default_factory=Seq2SeqPlacement)

    def __call__(self, rows: pa.Table) -> tuple[pa.Table, Counts]:
        listed = rows.to_pylist()
        encoded = [self._texts.source_ids(row["prompt"])[0] for row in listed]
        alike: dict[tuple[str, ...] | None, list[int]] = {}
        for n, row in enumerate(listed):
            if not row["too_long"]:
                alike.setdefault(None if row["labels"] is None else tuple(row["labels"]), []).append(n)
        answers: dict[int, dict[str, Any]] = {}
        output = 0
        for labels, chosen in alike.items():
            for batch in self._batches(chosen, encoded):
                ids = [encoded[n] for n in batch]
                if labels is not None:
                    answers |= dict(zip(batch, self._choose(labels, ids), strict=True))
                    continue
                for n, (answer, tokens) in zip(batch, self._write([listed[n] for n in batch], ids), strict=True):
                    answers[n] = answer
                    output += tokens
        blank = dict.fromkeys(ANSWER.names)
        table = pa.Table.from_pylist(
            [
                {
                    **blank,
                    **answers.get(n, {"error": "the query does not fit into the model's context"}),
                    "id": row["id"],
                }
                for n, row in enumerate(listed)
            ],
            ANSWER,
        )
        prompts = sum(len(encoded[n]) for n in answers)
        counts = Counts(rows=len(listed), prompts=len(answers), prompt_tokens=prompts, output_tokens=output)
        return table, counts

    @cached_property
    def _texts(self) -> Texts:
        return self.load_texts()

    @cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModelForSeq2SeqLM

        torch.set_num_threads(self.placement.threads)
        model = AutoModelForSeq2SeqLM.from_pretrained(
            fspath(self.path),
            dtype=getattr(torch, self.dtype),
            use_safetensors=True,
            trust_remote_code=self.trust_remote_code,
        )
        return model.to("cuda" if self.placement.gpus else "cpu").eval()

    def _batches(self, chosen: list[int], encoded: list[list[int]]) -> Iterator[list[int]]:
        """Positions of similar length, whose padded size stays within the placement's."""
        batch: list[int] = []
        for n in sorted(chosen, key=lambda n: len(encoded[n])):
            if batch and (len(batch) + 1) * len(encoded[n]) > self.placement.batch_tokens:
                yield batch
                batch = []
            batch.append(n)
        if batch:
            yield batch

    def _padded(self, ids: list[list[int]]) -> dict[str, Any]:
        import torch

        longest = max(map(len, ids))
        tokens = torch.tensor([row + [0] * (longest - len(row)) for row in ids])  # the mask hides what fills up
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids])
        device = self._model.device
        return {"input_ids": tokens.to(device), "attention_mask": mask.to(device)}

    def _write(self, rows: list[dict[str, Any]], ids: list[list[int]]) -> list[tuple[dict[str, Any], int]]:
        import torch

        longest = max(row["max_tokens"] for row in rows)
        with torch.inference_mode():
            written = self._model.generate(**self._padded(ids), do_sample=False, num_beams=1, max_new_tokens=longest)
        found = []
        for row, tokens in zip(rows, written[:, 1:].tolist(), strict=True):  # the first starts the decoder
            own = tokens[: row["max_tokens"]]
            ended = self._texts.end_id in own
            said = {"text": self._texts.text(own), "finish_reason": "stop" if ended else "length"}
            found.append((said, own.index(self._texts.end_id) if ended else len(own)))
        return found

    def _choose(self, labels: tuple[str, ...], ids: list[list[int]]) -> list[dict[str, Any]]:
        import torch

        batch, words = self._padded(ids), [label.strip() for label in labels]
        columns: list[list[float]] = []
        with torch.inference_mode():
            encoder = self._model.get_encoder()(**batch)
            for word in words:
                target = torch.tensor([self._texts.target_ids(word)[0][:-1]] * len(ids))
                target = target.to(self._model.device)
                said = self._model(encoder_outputs=encoder, attention_mask=batch["attention_mask"], labels=target)
                picked = said.logits.float().log_softmax(-1).gather(-1, target[..., None])[..., 0]
                columns.append(picked.sum(-1).tolist())
        return [
            {"text": words[values.index(max(values))], "label_logprobs": values}
            for values in map(list, zip(*columns, strict=True))
        ]
