"""Work for tests, importable by workers."""

import time
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from fsa_ray.core.artifact import Table
from fsa_ray.core.tables import write_table
from fsa_ray.engine.question import Question, Reply
from fsa_ray.engine.units import Counts, UnitFolder
from fsa_ray.storage.folder import Folder


@dataclass(frozen=True)
class Echo:
    """Two questions about each row; the first has `stretch` tokens for each character of the row and one more."""

    params: dict[str, Any] = field(default_factory=lambda: {"temperature": 0.0, "ignore_eos": True})
    output_tokens: int = 4
    stretch: int = 1

    def questions(self, rows: pa.Table) -> list[Question]:
        params = {**self.params, "max_tokens": self.output_tokens}
        return [
            Question([5 + position] * length, params)
            for text in rows["text"].to_pylist()
            for position, length in enumerate((1 + self.stretch * len(text), 3))
        ]

    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table:
        return pa.table(
            {
                "id": rows["id"],
                "said": [reply.text for reply in replies[::2]],
                "prompt_tokens": [reply.prompt_tokens for reply in replies[::2]],
                "labels": [reply.label_logprobs for reply in replies[::2]],
                "error": pa.array([reply.error for reply in replies[::2]], pa.string()),
            }
        )


def double(rows: pa.Table) -> tuple[pa.Table, Counts]:
    return pa.table({"id": rows["id"], "twice": [text * 2 for text in rows["text"].to_pylist()]}), Counts(len(rows))


def slow(rows: pa.Table) -> tuple[pa.Table, Counts]:
    time.sleep(0.2)
    return double(rows)


def source(root: Folder, rows: int, rows_per_file: int = 1000) -> Table:
    table = pa.table({"id": [f"{i:032x}" for i in range(rows)], "text": ["x" * (i % 9) for i in range(rows)]})
    return write_table(root, root / "in", table, rows_per_file)


def ids(units: UnitFolder) -> list[int]:
    return [int(value, 16) for table in units.results() for value in table["id"].to_pylist()]


class Broken(Echo):
    def answers(self, rows: pa.Table, replies: list[Reply]) -> pa.Table:
        return rows.select(["nothing"])
