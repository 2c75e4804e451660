"""Reads reviews from a file or a folder of files."""

from collections.abc import Iterator
from functools import partial

from fsa_ray.sentiment.files.batch import Batch, Columns
from fsa_ray.sentiment.files.columnar import read_arrow, read_parquet
from fsa_ray.sentiment.files.delimited import read_delimited
from fsa_ray.sentiment.files.jsonlines import is_list, read_lines, read_list
from fsa_ray.sentiment.files.lines import read_text
from fsa_ray.sentiment.files.listing import LINES, listing, suffix
from fsa_ray.sentiment.files.stream import opened, unpacked
from fsa_ray.storage.folder import Folder


def read(
    path: str, text_column: str = "text", id_column: str | None = None, domain_column: str | None = None
) -> Iterator[Batch]:
    """Batches of rows and refused rows, file by file, memory bounded except for JSON lists.

    `path` is a file or a folder, local or a URL: jsonl, json, csv, tsv, parquet, Arrow stream or txt, each also as
    .gz. Every line (record, item) is in exactly one row or one reject of exactly one batch; see `Batch`.
    Raises ValueError, naming the file and the mend, where there is nothing to read or a column is missing.
    """
    found = listing(path)
    wanted = Columns(text_column, id_column, domain_column)
    lines = 0
    for file in found.files:
        for batch in read_file(found.folder, file, wanted):
            lines += batch.rows.num_rows + batch.rejects.num_rows
            yield batch
    if not lines:
        raise ValueError(f"{path}: no review can be read; every file is empty")


def read_file(folder: Folder, file: str, wanted: Columns) -> Iterator[Batch]:
    """The batches of one file; none if it is empty."""
    kind = suffix(file)
    if kind in (".csv", ".tsv"):
        opener = partial(opened, folder, file)
        yield from read_delimited(file, opener, wanted, tab=kind == ".tsv")
    elif kind in (".parquet", ".arrow"):
        with unpacked(folder, file) as stream:
            yield from (read_parquet if kind == ".parquet" else read_arrow)(file, stream, wanted)
    elif kind == ".txt":
        with opened(folder, file) as stream:
            yield from read_text(file, stream)
    else:
        with opened(folder, file) as stream:
            listed = kind not in LINES and is_list(stream)
        with opened(folder, file) as stream:
            yield from (read_list if listed else read_lines)(file, stream, wanted)
