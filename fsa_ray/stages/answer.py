"""Put the prompts of a suite to a causal model: one engine for all tasks."""

import math
from dataclasses import dataclass
from functools import cached_property, partial
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.goodput import goodput
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.engine.question import Question, Reply
from fsa_ray.engine.seq2seq import Seq2SeqAnswering, Seq2SeqPlacement
from fsa_ray.engine.units import UnitFolder
from fsa_ray.evaluation.label_words import LabelTree
from fsa_ray.schemas.rows import ANSWER
from fsa_ray.sentiment.chat import ChatFormat
from fsa_ray.sentiment.thinking import split_thinking
from fsa_ray.stages.model import ModelDirectory, chat_format, is_encoder_decoder, local_path, pair_format
from fsa_ray.stages.questions import QUERY_END, Questions
from fsa_ray.stages.rows import commit
from fsa_ray.training.settings import Precision

if TYPE_CHECKING:
    from fsa_ray.engine.run_units import Outcome

NEXT_EXAMPLE = ["\n\nSentence:", "\nSentence:"]


class Answer(Stage[Rows]):
    """One greedy answer, or the log-likelihood of each label, for each question; a question without one has an error.

    Under v1 and v2 a label counts by its first token, as in the papers, else by all of them; with an encoder-decoder
    always by all of them, since words of its vocabulary share their first token often (a mere word boundary).
    """

    name: ClassVar[str] = "answer"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source="questions")

    questions: Questions
    precision: Precision = "bf16"

    def engines(self) -> frozenset[str]:
        return frozenset({self.questions.model.fingerprint})

    def run(self, ctx: StageContext) -> Rows:
        model = ctx.load(self.questions.model)
        written = is_encoder_decoder(local_path(ctx.root, model), model.trust_remote_code)
        answer = self._written if written else self._served
        units, outcome = answer(ctx, ModelDirectory(ctx.root, model), model.trust_remote_code)
        ctx.measure(
            requests=outcome.counts.prompts,
            prompt_tokens=outcome.counts.prompt_tokens,
            output_tokens=outcome.counts.output_tokens,
            rows_redone=outcome.redone,
            goodput=goodput(outcome.counts.rows, outcome.redone),
        )
        return commit(ctx, pa.concat_tables([ANSWER.empty_table(), *units.results()]), [])

    def _served(self, ctx: StageContext, path: ModelDirectory, trusted: bool) -> "tuple[UnitFolder, Outcome]":
        from fsa_ray.engine.run_units import ask
        from fsa_ray.stages.serving import Pulse, engine_of

        asked = self.questions
        engine = engine_of(ctx, asked.model, self.precision, asked.max_length)
        end, first_token = QUERY_END.get(asked.protocol, ""), asked.protocol in ("v1", "v2")
        answering = Answering(path, asked.chat, end, first_token, trusted)
        units = self._units(ctx, engine.placement.unit_rows)
        return units, ask(units, answering, engine, Pulse(ctx.tell))

    def _written(self, ctx: StageContext, path: ModelDirectory, trusted: bool) -> "tuple[UnitFolder, Outcome]":
        from fsa_ray.engine.run_units import map_units
        from fsa_ray.stages.serving import DTYPES, Pulse, session

        if self.questions.chat:
            raise ValueError("an encoder-decoder model has no chat template; leave out --chat")
        if self.questions.structured:
            raise ValueError("an encoder-decoder model writes freely, by no JSON schema; leave out --structured")
        placed = ctx.placement.section("seq2seq", Seq2SeqPlacement)
        session(ctx).require_room("seq2seq", placed.workers, placed.need, placed.start_timeout_s)
        mapping = Seq2SeqAnswering(path, partial(pair_format, path, trusted), DTYPES[self.precision], trusted, placed)
        units = self._units(ctx, placed.unit_rows)
        outcome = map_units(
            units,
            mapping,
            workers=placed.workers,
            need=placed.need,
            start_timeout_s=placed.start_timeout_s,
            listener=Pulse(ctx.tell),
        )
        return units, outcome

    def _units(self, ctx: StageContext, rows: int) -> UnitFolder:
        return UnitFolder.open(ctx.root, ctx.progress / "answers", ctx.load(self.questions).kept, rows)


@dataclass(frozen=True)
class Answering:
    """Turns rows of QUESTION into questions for the model at `path`, and replies into rows of ANSWER."""

    path: str | PathLike[str]
    chat: bool
    query_end: str
    first_token: bool
    trust_remote_code: bool = False

    @cached_property
    def format(self) -> ChatFormat:
        return chat_format(self.path, self.trust_remote_code)

    @cached_property
    def _trees(self) -> dict[tuple[str, ...], LabelTree]:
        return {}

    def questions(self, rows: pa.Table) -> list[Question]:
        return [question for row in rows.to_pylist() for question in self._asked(row)]

    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table:
        waiting = iter(replies)
        answered = [self._answer(row, [next(waiting) for _ in range(self._requests(row))]) for row in rows.to_pylist()]
        return pa.Table.from_pylist(answered, ANSWER)

    def _asked(self, row: dict[str, Any]) -> list[Question]:
        if row["too_long"]:
            return []
        prompt = self.format.prompt_ids(row["prompt"]) if self.chat else self.format.text_ids(row["prompt"])
        if row["labels"] is not None:
            return [
                Question([*prompt, *prefix], {"temperature": 0.0, "max_tokens": 1, "logprob_token_ids": following})
                for prefix, following in self._tree(row).questions.items()
            ]
        params: dict[str, Any] = {"temperature": 0.0, "max_tokens": row["max_tokens"]}
        if self.chat:
            params["stop_token_ids"] = [self.format.end_id]
        elif self.query_end:
            params["stop"] = NEXT_EXAMPLE
        if row["schema"] is not None:
            params["structured_outputs"] = {"json": row["schema"]}
        return [Question(prompt, params)]

    def _requests(self, row: dict[str, Any]) -> int:
        if row["too_long"]:
            return 0
        return 1 if row["labels"] is None else len(self._tree(row).questions)

    def _tree(self, row: dict[str, Any]) -> LabelTree:
        """How a row's labels are asked for; the words follow the end of the query, or open the model's turn."""
        labels = tuple(row["labels"])
        if labels not in self._trees:
            continued = [self.format.continuation_ids("" if self.chat else self.query_end, label) for label in labels]
            words = [tuple(word[:1] if self.first_token else word) for word in continued]
            self._trees[labels] = LabelTree(tuple(words))
        return self._trees[labels]

    def _answer(self, row: dict[str, Any], replies: list[Reply]) -> dict[str, Any]:
        blank: dict[str, Any] = {"id": row["id"], "text": None, "label_logprobs": None, "finish_reason": None}
        if row["too_long"]:
            return {**blank, "error": "the query does not fit into the model's context"}
        failed = next((reply.error for reply in replies if reply.error is not None), None)
        if failed is not None:
            return {**blank, "error": failed}
        if row["labels"] is None:
            said = split_thinking(replies[0].text, opened=self.chat and self.format.opens_thinking).answer
            return {**blank, "text": said, "finish_reason": replies[0].finish_reason, "error": None}
        tree = self._tree(row)
        pairs = zip(tree.questions, replies, strict=True)
        logprobs = tree.logprobs({prefix: reply.label_logprobs or [] for prefix, reply in pairs})
        finite = [value if math.isfinite(value) else -1e30 for value in logprobs]
        best = row["labels"][finite.index(max(finite))].strip()
        return {**blank, "text": best, "label_logprobs": finite, "error": None}
