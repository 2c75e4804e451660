"""A suite of tasks as prompts: each item of each task, once for each seed that draws demonstrations."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.local_copy import brought_here
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.evaluation.answer_format import answer_schema
from fsa_ray.evaluation.answers import parse_answer
from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.graph import GraphTask
from fsa_ray.evaluation.interpreted import interpreted_label, require_interpretable
from fsa_ray.evaluation.item import Item, Prediction
from fsa_ray.evaluation.label_words import content_free_items, label_words
from fsa_ray.evaluation.prompts import Prompt, build_prompt, draw_demos
from fsa_ray.evaluation.task import Protocol, Task
from fsa_ray.evaluation.tasks import load_task
from fsa_ray.schemas.rows import QUESTION
from fsa_ray.stages.benchmark import pin, sample_items
from fsa_ray.stages.model import Model, PinnedFile, chat_format, is_encoder_decoder, local_path, pair_format
from fsa_ray.stages.rows import commit, derived_id

INTERPRETATION_TOKENS = 400  # FSA-Distillation: the longest target of the pre-training
LABEL_TOKENS, ENTRY_TOKENS, GRAPH_TOKENS = 16, 150, 300  # SentiBench's own limits for the latter two
STRUCTURED = ("v2", "strict")  # protocols whose answers are JSON
QUERY_END = {"v1": "Label:", "v2": "Output:", "strict": "Output:"}

Answering = Literal["likelihood", "generation", "interpretation"]
CountTokens = Callable[[str], int]
Asking = Callable[[Sequence[Item], int, int], list[Prompt]]
"""The prompts of queries that share their demonstrations, with the seed that draws them and the most tokens of each:
the first query is the item, the others are what stands in its place."""


class Questions(Stage[Rows]):
    """Prompts that fit into `max_length` together with their answers, demonstrations dropped where needed.

    `answering`: how labels are chosen, by the likelihood of the label words, by reading a free answer, or off what a
    student writes about the bare text after `prefix`, as in its pre-training (FSA-Distillation zero-shot). `calibrate`
    adds the questions about content-free texts. `structured` asks for extractions by JSON schema. `chat` puts the
    prompt into the model's chat template instead of giving it as plain text.
    """

    name: ClassVar[str] = "questions"
    version: ClassVar[int] = 2
    flow: ClassVar[Flow | None] = Flow(source=None)

    model: Stage[Model]
    tasks: tuple[str, ...]
    versions: tuple[int, ...]  # of the tasks
    files: tuple[PinnedFile, ...]
    protocol: Protocol
    seeds: tuple[int, ...]
    shots: int
    limit: int | None = None
    answering: Answering = "likelihood"
    calibrate: bool = False
    structured: bool = False
    chat: bool = False
    prefix: str = ""
    max_length: int
    data: str = Field(exclude=True)

    @classmethod
    def at(cls, data: str, tasks: tuple[str, ...], shots: int, **fields: Any) -> "Questions":
        """Raises ValueError naming the file for a missing split, and the known tasks for an unknown one."""
        data = brought_here(data)
        splits = ("test", "train") if shots else ("test",)
        _refuse_ignored([load_task(name) for name in tasks], **fields)
        pinned = [
            pin(path, Path(data)) for name in tasks for split in splits for path in load_task(name).paths(data, split)
        ]
        pinned += [pin(Path(name), Path(name).parent) for name in tasks if name.endswith((".yaml", ".yml"))]
        if fields.get("answering") == "interpretation":
            if shots:
                raise ValueError("a label is read off an interpretation of the bare text: ask without demonstrations")
            for name in tasks:
                require_interpretable(load_task(name))
        versions = tuple(load_task(name).version for name in tasks)
        return cls(data=data, tasks=tasks, versions=versions, shots=shots, files=tuple(pinned), **fields)

    def run(self, ctx: StageContext) -> Rows:
        counter = self._counter(ctx)
        rows: list[dict[str, Any]] = []
        for number, name in enumerate(self.tasks, 1):
            task = load_task(name)
            items = sample_items(self.items(ctx, task), self.limit)
            asking = self.asking(ctx, task, counter)
            rows.extend(row for seed in self.seeds for item in items for row in self._asked(task, item, seed, asking))
            ctx.tell(f"{number} of {len(self.tasks)} tasks, {len(rows):,} prompts")
        queries = [row for row in rows if row["prior"] is None]
        ctx.measure(
            rows_read=len(rows),
            demonstrations_dropped=sum(row["dropped"] for row in queries),
            too_long=sum(row["too_long"] for row in queries),
        )
        return commit(ctx, pa.Table.from_pylist(rows, QUESTION), [])

    def items(self, ctx: StageContext, task: Task, split: str = "test") -> list[Item]:
        return task.load(self.data, split)

    def asking(self, ctx: StageContext, task: Task, counter: CountTokens) -> Asking:
        """How a task is put into words."""
        if self.answering == "interpretation":
            return lambda queries, _, room: [_bare(self.prefix + one.text, one.id, counter, room) for one in queries]
        pool = self.items(ctx, task, "train") if self.shots else []

        def ask(queries: Sequence[Item], seed: int, room: int) -> list[Prompt]:
            demos = draw_demos(task, pool, queries[0], self.shots, seed)
            found = [build_prompt(task, query, demos, self.protocol, counter, room) for query in queries]
            fewest = min(prompt.shots for prompt in found)
            for n, query in enumerate(queries):
                if found[n].shots > fewest:
                    again = build_prompt(task, query, demos[:fewest], self.protocol, counter, room)
                    found[n] = again._replace(dropped=len(demos) - fewest)
            return found

        return ask

    def prediction(self, task: Task, item: Item, seed: int, answer: str) -> Prediction:
        """What a free answer about an item says; None if it cannot be read."""
        if self.answering == "interpretation":
            return interpreted_label(task, answer)
        return parse_answer(task, answer, self.protocol)

    def _counter(self, ctx: StageContext) -> CountTokens:
        model = ctx.load(self.model)
        path, trusted = local_path(ctx.root, model), model.trust_remote_code
        if is_encoder_decoder(path, trusted):
            form = pair_format(path, trusted)
            return lambda text: len(form.source_ids(text)[0])
        chat = chat_format(path, trusted)
        ids = chat.prompt_ids if self.chat else chat.text_ids
        return lambda text: len(ids(text))

    def _asked(self, task: Task, item: Item, seed: int, asking: Asking) -> Iterator[dict[str, Any]]:
        max_tokens = LABEL_TOKENS if isinstance(task, ClassificationTask) else ENTRY_TOKENS
        max_tokens = GRAPH_TOKENS if isinstance(task, GraphTask) else max_tokens
        if self.answering == "interpretation":
            max_tokens = INTERPRETATION_TOKENS
        max_tokens = min(max_tokens, self.max_length // 4)  # a small context must hold the question as well
        empty = content_free_items(item) if self.calibrate and self._chooses(task) else []
        for number, prompt in enumerate(asking([item, *empty], seed, self.max_length - max_tokens)):
            yield self._row(task, item, number - 1 if number else None, seed, prompt, max_tokens)

    def _chooses(self, task: Task) -> bool:
        return self.answering == "likelihood" and isinstance(task, ClassificationTask)

    def _row(
        self, task: Task, item: Item, prior: int | None, seed: int, prompt: Prompt, max_tokens: int
    ) -> dict[str, Any]:
        chooses = self._chooses(task)
        structured = self.structured and not isinstance(task, ClassificationTask) and self.protocol in STRUCTURED
        return {
            "id": derived_id(task.name, str(seed), item.id, str(prior)),
            "task": task.name,
            "seed": seed,
            "prior": prior,
            "text": item.text,
            "item": json.dumps(
                {"id": item.id, "position": item.position, "gold": item.gold, "extra": dict(item.extra)},
                ensure_ascii=False,
            ),
            "prompt": prompt.text,
            "shots": prompt.shots,
            "dropped": prompt.dropped,
            "too_long": prompt.too_long,
            "labels": label_words(task, leading_space=not self.chat) if chooses else None,
            "schema": json.dumps(answer_schema(task)) if structured else None,
            "max_tokens": max_tokens,
        }


def _refuse_ignored(
    tasks: Sequence[Task],
    protocol: Protocol,
    answering: Answering = "likelihood",
    calibrate: bool = False,
    structured: bool = False,
    prefix: str = "",
    **_: Any,
) -> None:
    """ValueError for what would change nothing."""
    labelled = [isinstance(task, ClassificationTask) for task in tasks]
    if calibrate and answering != "likelihood":
        raise ValueError("--calibrate weighs the likelihoods of label words, and none is asked; leave one option out")
    if calibrate and not any(labelled):
        raise ValueError("--calibrate weighs the likelihoods of label words, and none of the tasks has labels")
    if structured and protocol not in STRUCTURED:
        raise ValueError(f"--structured asks for JSON, as {' and '.join(STRUCTURED)} do; {protocol} has another form")
    if structured and all(labelled):
        raise ValueError("--structured is for extractions, and all of the tasks ask for a label")
    if prefix and answering != "interpretation":
        raise ValueError("--prefix stands before the bare text that --interpret gives; add that, or leave it out")


def _bare(text: str, id_: str, counter: CountTokens, room: int) -> Prompt:
    return Prompt(id_, text, 0, 0, counter(text) > room)
