"""Reviews from the files that users have."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows, Table
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import TableWriter, iter_parts
from fsa_ray.schemas.rows import REVIEW
from fsa_ray.sentiment.files.batch import Batch
from fsa_ray.sentiment.files.listing import listing, pin
from fsa_ray.sentiment.files.read import read
from fsa_ray.sentiment.hashes import lowest
from fsa_ray.sentiment.row_ids import copies_before, plain_ids, row_ids
from fsa_ray.sentiment.text_rules import TextRules, admit
from fsa_ray.stages.model import PinnedFile
from fsa_ray.stages.rows import RowWriter, derived_id, id_hashes, refused, rejects
from fsa_ray.storage.folder import Folder

NAMED = 5
"""Files that are left out, in the message that says so."""


class Ingest(Stage[Rows]):
    """Every line of the files becomes a review or a reject with its reason. The identity is what the files hold.

    Files of which no line can be read are the user's mistake, unless `may_be_unreadable`.
    """

    name: ClassVar[str] = "ingest"
    version: ClassVar[int] = 1
    flow: ClassVar[Flow | None] = Flow(source=None)

    files: tuple[PinnedFile, ...]
    text_column: str = "text"
    id_column: str | None = None
    domain_column: str | None = None
    min_chars: int = 1
    max_chars: int = 20_000
    languages: tuple[str, ...] = ()
    mask: bool = False
    limit: int | None = None
    seed: int = 0
    may_be_unreadable: bool = False
    path: str = Field(exclude=True)

    @classmethod
    def at(cls, path: str, **fields: object) -> "Ingest":
        """Raises ValueError if there is nothing to read at `path`."""
        files = tuple(PinnedFile(**asdict(file)) for file in pin(path))
        return cls.model_validate({"path": path, "files": files, **fields})

    def run(self, ctx: StageContext) -> Rows:
        ignored = listing(self.path).ignored
        if ignored:
            ctx.tell(f"files of other kinds are left out: {_few(ignored)}")
        writer = RowWriter(ctx, REVIEW)
        read = masked = 0
        copies, unread = self._copies(writer)
        scratch = Folder(str(ctx.scratch))
        admitted = TableWriter(scratch, scratch / "admitted", REVIEW)
        keep = writer.keep if self.limit is None else admitted.add
        for batch in self._batches():
            rows = batch.rows
            ids = row_ids(rows["text"], copies[read : read + len(rows)])
            reviews = rows.select(["source_id", "domain", "text"]).add_column(0, "id", ids).select(REVIEW.names)
            parted = admit(reviews, self._rules())
            keep(parted.kept)
            writer.refuse(parted.rejects)
            read, masked = read + len(rows), masked + parted.masked
        if self.limit is not None:
            _draw(writer, scratch, admitted.close(), self.limit, self.seed)
        ctx.measure(rows_read=read + unread, masked=masked, files_ignored=len(ignored))
        return writer.close()

    def _copies(self, writer: RowWriter) -> tuple[npt.NDArray[np.int64], int]:
        """How often the text of each row occurs before it, and how many lines could not be read: these are rejects.

        A reading of its own: then 16 bytes of each row are held at a time, not its text.
        """
        digests, unread, problem = [pa.array([], pa.binary(16))], 0, ""
        for batch in self._batches():
            digests.append(plain_ids(batch.rows["text"]))
            writer.refuse(_unread(batch.rejects))
            unread += len(batch.rejects)
            if not problem and len(batch.rejects):
                problem = batch.rejects["detail"][0].as_py()
        texts = pa.concat_arrays(digests)
        if not len(texts) and not self.may_be_unreadable:
            raise ValueError(f"{self.path}: no review can be read; {problem}")
        return copies_before(texts), unread

    def _batches(self) -> Iterator[Batch]:
        return read(self.path, self.text_column, self.id_column, self.domain_column)

    def _rules(self) -> TextRules:
        return TextRules(
            min_chars=self.min_chars,
            max_chars=self.max_chars,
            languages=self.languages,
            mask_contacts=self.mask,
        )

    def estimate(self, rows: object) -> dict[str, float]:
        """A review of the usual length takes 300 bytes."""
        guess = sum(file.size for file in self.files) / 300
        return {"rows": float(min(guess, self.limit or guess))}


def _few(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:NAMED])
    return shown if len(names) <= NAMED else f"{shown} and {len(names) - NAMED} more"


def _unread(lines: pa.Table) -> pa.Table:
    """Lines that could not be read, as rejects."""
    names = [derived_id("unread", place) for place in lines["place"].to_pylist()]
    return rejects({**row, "id": name, "parent": name} for row, name in zip(lines.to_pylist(), names, strict=True))


def _draw(writer: RowWriter, root: Folder, reviews: Table, limit: int, seed: int) -> None:
    """Keeps at most `limit` reviews, drawn by seed and id so that the order of the files does not matter."""
    drawn = lowest(np.concatenate(id_hashes(root, reviews, seed)), limit)
    start = 0
    for part in iter_parts(root, reviews):
        keep = drawn[start : start + len(part)]
        writer.keep(part.filter(pa.array(keep)))
        writer.refuse(refused(part.filter(pa.array(~keep)), "over_limit", ""))
        start += len(part)
