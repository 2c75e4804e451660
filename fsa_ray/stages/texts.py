"""Texts of a table by the ids of its rows, of which only a part is in memory."""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Table
from fsa_ray.core.tables import iter_parts
from fsa_ray.sentiment.hashes import hash_strings
from fsa_ray.stages.rows import id_hashes
from fsa_ray.storage.folder import Folder

Ids = npt.NDArray[np.bytes_]
_FILES = 4
_SEEDS = 3


class Texts:
    """Column `text` of a table, by `id`. Holds 16 bytes a row and the texts of the few files that were asked for last,
    so it wants to be asked in about the order of the table, as what is derived from its rows has it.

    Raises ValueError if an id is there twice.
    """

    def __init__(self, root: Folder, table: Table) -> None:
        for seed in range(_SEEDS):  # a second one only where two ids have one hash
            parts = id_hashes(root, table, seed)
            hashes = np.concatenate(parts)
            self._seed, self._rows = seed, np.argsort(hashes, kind="stable")
            self._hashes = hashes[self._rows]
            if not (self._hashes[1:] == self._hashes[:-1]).any():
                break
        else:
            raise ValueError(f"{table.files[0].key} and the files beside it hold an id twice")
        self._starts = np.cumsum([0, *map(len, parts)])
        self._file = lru_cache(_FILES)(
            lambda number: pa.concat_tables(iter_parts(root, Table(files=(table.files[number],)), ["id", "text"]))
        )

    def of(self, ids: pa.ChunkedArray) -> list[str]:
        """The text of each id (n,). Raises KeyError for one that is not in the table."""
        wanted = ids.combine_chunks()
        hashes = hash_strings(wanted, self._seed)
        places = np.searchsorted(self._hashes, hashes)
        missing = places == len(self._hashes)
        rows = self._rows[np.where(missing, 0, places)] if len(self._rows) else places
        texts = np.empty(len(wanted), dtype=object)
        files = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(files[~missing]).tolist():
            here = np.flatnonzero((files == number) & ~missing)
            found = self._file(number).take(pa.array(rows[here] - self._starts[number]))
            texts[here] = found["text"].to_numpy()
            missing[here] = ~pc.equal(found["id"], wanted.take(pa.array(here))).to_numpy()
        if missing.any():
            raise KeyError(wanted[int(np.flatnonzero(missing)[0])].as_py())
        return texts.tolist()


def sorted_ids(root: Folder, table: Table) -> Ids:
    """The ids (n,), rising: 32 bytes each, where the rows themselves may be too many to sort."""
    parts = [np.array(part["id"].to_pylist(), np.bytes_) for part in iter_parts(root, table, ["id"])]
    return np.sort(np.concatenate(parts))


def texts_of(root: Folder, table: Table, ids: Iterable[str]) -> dict[str, str]:
    """Column `text` of the rows with these ids, read once through, by id. Ids that are not there are left out."""
    wanted, found = pa.array(sorted(ids), pa.string()), dict[str, str]()
    for part in iter_parts(root, table, ["id", "text"]):
        here = part.filter(pc.is_in(part["id"], wanted))
        found.update(zip(here["id"].to_pylist(), here["text"].to_pylist(), strict=True))
    return found
