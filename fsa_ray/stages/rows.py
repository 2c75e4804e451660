"""What row-wise stages share: ids of derived rows, rejects, and the artifact that accounts for both."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Rows, Table
from fsa_ray.core.stage import StageContext
from fsa_ray.core.tables import TableWriter, iter_parts
from fsa_ray.schemas.rows import REJECT
from fsa_ray.sentiment.hashes import hash_strings
from fsa_ray.storage.folder import Folder

LONGEST_REJECTED_TEXT = 500
"""Characters of a refused text that are kept for the reader."""


def derived_id(*parts: str) -> str:
    """The 128-bit id of a row that is made from others: 32 hexadecimal characters."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def id_hashes(root: Folder, table: Table, seed: int) -> list[npt.NDArray[np.uint64]]:
    """Of each file of a table the hashes of its ids, shape (rows,): 8 bytes for what takes 36 as text."""
    return [hash_strings(part["id"].combine_chunks(), seed) for part in iter_parts(root, table, ["id"])]


def rejects(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows with the fields of REJECT as a table; texts are shortened, what is missing is null."""
    return pa.Table.from_pylist(
        [{**row, "text": (row.get("text") or "")[:LONGEST_REJECTED_TEXT]} for row in rows], REJECT
    )


def refused(table: pa.Table, reason: str, detail: Sequence[str] | str) -> pa.Table:
    """Rows of a table that has `id`, and `text` or not, as rejects for one reason."""
    details = pa.array([detail] * len(table) if isinstance(detail, str) else detail, pa.string())
    has_text = "text" in table.column_names
    text = pc.utf8_slice_codeunits(table["text"], 0, LONGEST_REJECTED_TEXT) if has_text else [""] * len(table)
    own = table["source_id"] if "source_id" in table.column_names else pa.nulls(len(table), pa.string())
    columns = [table["id"], table["id"], own, pa.array([reason] * len(table), pa.string()), details, text]
    return pa.table(columns, schema=REJECT)


class RowWriter:
    """Writes what a stage keeps and what it refuses, as it comes: no more than a file's rows of each in memory."""

    def __init__(self, ctx: StageContext, schema: pa.Schema) -> None:
        self._ctx = ctx
        self._kept = TableWriter(ctx.root, ctx.out / "kept", schema)
        self._rejected = TableWriter(ctx.root, ctx.out / "rejected", REJECT)
        self._reasons: Counter[str] = Counter()

    def keep(self, rows: pa.Table) -> None:
        self._kept.add(rows)

    def refuse(self, rows: pa.Table) -> None:
        """`rows` have the fields of REJECT."""
        rows = rows.cast(REJECT)
        for count in pc.value_counts(rows["reason"].combine_chunks()).to_pylist():
            self._reasons[count["values"]] += count["counts"]
        self._rejected.add(rows)

    def close(self) -> Rows:
        """The artifact; counts the rejects by reason."""
        kept, rejected = self._kept.close(), self._rejected.close()
        self._ctx.measure(rows=kept.rows, rejected=rejected.rows)
        return Rows(kept=kept, rejected=rejected, reasons=dict(self._reasons))


def commit(ctx: StageContext, kept: pa.Table, rejected: Sequence[pa.Table]) -> Rows:
    """Write both tables where this attempt may; count the rejects by reason."""
    writer = RowWriter(ctx, kept.schema)
    writer.keep(kept)
    for table in rejected:
        writer.refuse(table)
    return writer.close()
