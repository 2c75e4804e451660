"""Reviews from the files that users have."""

from dataclasses import asdict
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.schemas.rows import REJECT, REVIEW
from fsa_ray.sentiment.files.listing import pin
from fsa_ray.sentiment.files.read import read
from fsa_ray.sentiment.hashes import hash_strings
from fsa_ray.sentiment.row_ids import row_ids
from fsa_ray.sentiment.text_rules import TextRules, admit
from fsa_ray.stages.model import PinnedFile
from fsa_ray.stages.rows import commit, derived_id, refused, rejects


class Ingest(Stage[Rows]):
    """Every line of the files becomes a review or a reject with its reason. The identity is what the files hold."""

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
    path: str = Field(exclude=True)

    @classmethod
    def at(cls, path: str, **fields: object) -> "Ingest":
        """Raises ValueError if there is nothing to read at `path`."""
        files = tuple(PinnedFile(**asdict(file)) for file in pin(path))
        return cls.model_validate({"path": path, "files": files, **fields})

    def run(self, ctx: StageContext) -> Rows:
        rows, unread = self._read()
        ids = row_ids(rows["text"])
        reviews = rows.select(["source_id", "domain", "text"]).add_column(0, "id", ids).select(REVIEW.names)
        rules = TextRules(
            min_chars=self.min_chars,
            max_chars=self.max_chars,
            languages=self.languages,
            mask_contacts=self.mask,
        )
        admitted = admit(reviews, rules)
        kept, over = _limited(admitted.kept, self.limit, self.seed)
        ctx.measure(rows_read=len(rows) + len(unread), masked=admitted.masked)
        return commit(ctx, kept, [unread, admitted.rejects, over])

    def _read(self) -> tuple[pa.Table, pa.Table]:
        """All rows, and the lines that could not be read as rejects."""
        batches = list(read(self.path, self.text_column, self.id_column, self.domain_column))
        unread = [row for batch in batches for row in batch.rejects.to_pylist()]
        refusals = []
        for row in unread:
            name = derived_id("unread", row.pop("place"))
            refusals.append({**row, "id": name, "parent": name})
        return pa.concat_tables(batch.rows for batch in batches), rejects(refusals)

    def estimate(self, rows: object) -> dict[str, float]:
        """A review of the usual length takes 300 bytes."""
        guess = sum(file.size for file in self.files) / 300
        return {"rows": float(min(guess, self.limit or guess))}


def _limited(reviews: pa.Table, limit: int | None, seed: int) -> tuple[pa.Table, pa.Table]:
    """At most `limit` reviews, drawn by seed and id so that the order of the files does not matter."""
    if limit is None or limit >= len(reviews):
        return reviews, REJECT.empty_table()
    drawn = np.zeros(len(reviews), dtype=bool)
    drawn[np.argsort(hash_strings(reviews["id"].combine_chunks(), seed), kind="stable")[:limit]] = True
    return reviews.filter(pa.array(drawn)), refused(reviews.filter(pa.array(~drawn)), "over_limit", "")
