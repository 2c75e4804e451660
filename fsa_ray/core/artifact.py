"""What a stage leaves behind: small typed values that name the large files."""

from pydantic import BaseModel, ConfigDict


class Artifact(BaseModel):
    """Base of everything that `Stage.run` returns. Small: it is stored inside the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataFile(Artifact):
    """One file below the root. `key` is relative to the root, so that a root can be moved."""

    key: str
    size: int  # bytes
    sha256: str
    rows: int | None = None


class Table(Artifact):
    """Rows in parquet files, in order. The files are the whole truth: nobody lists a folder to read a table."""

    files: tuple[DataFile, ...]

    @property
    def rows(self) -> int:
        return sum(file.rows or 0 for file in self.files)


class Rows(Artifact):
    """What a row-wise stage leaves: the rows that passed, and the refused ones with their reasons."""

    kept: Table
    rejected: Table
    reasons: dict[str, int] = {}  # rejects by reason


class Flow(Artifact):
    """Which rows a stage owes an account of; `verify` checks it from what is stored.

    Every id of the `kept` tables of the input stages in field `source` must appear exactly `fanout` times in column
    `key` of the stage's `kept` table or in `parent` of its rejects. A source stage has no `source`: its account is
    that kept and rejected rows add up to the measure `rows_read`.
    """

    source: str | None
    key: str = "id"
    fanout: int = 1
