"""How often attributes are mentioned, and what is mostly said of them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.sentiment.attributes import normalise

_MOST_VALUES = 3

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class AttributeCount:
    """`description`: the most common one. `values`: the most common, at most three, falling."""

    name: str
    count: int
    description: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class AttributeCounts:
    """`kept`: the most mentioned first, of equal counts by name. What is not in it: attributes with too few mentions
    (`rare`, having `rare_mentions` in all) and mentions whose name stands for no attribute (`nameless`).
    """

    kept: tuple[AttributeCount, ...]
    rare: int
    rare_mentions: int
    nameless: int


def count_attributes(mentions: pa.Table, min_mentions: int) -> AttributeCounts:
    """Count the mentions of each attribute and keep those with at least `min_mentions` (the paper: 11).

    mentions: string columns `name`, `description` and `value`, one row for each attribute of each answer. A name that
    stands for several attributes (see `normalise`) is a mention of each. Among equally common descriptions or values
    the first in the order of their code points comes first; the order of the rows never matters.
    Source: CompEffDist, which draws among equally common ones. Errors: ValueError for a minimum below 1.
    """
    if min_mentions < 1:
        raise ValueError(f"min_mentions is {min_mentions}: it must be at least 1")
    names, codes, rows = _named(mentions["name"])
    counts = np.bincount(codes, minlength=len(names))
    common = counts >= min_mentions
    wanted = np.flatnonzero(common[codes])
    texts = mentions.select(["description", "value"]).take(pa.array(rows[wanted]))
    descriptions = _most_common(codes[wanted], texts["description"], 1)
    values = _most_common(codes[wanted], texts["value"], _MOST_VALUES)
    order = np.flatnonzero(common)[np.argsort(-counts[common], kind="stable")]
    kept = [AttributeCount(names[i], int(counts[i]), descriptions[i][0], tuple(values[i])) for i in order.tolist()]
    nameless = len(mentions) - len(np.unique(rows))
    return AttributeCounts(tuple(kept), int((~common).sum()), int(counts[~common].sum()), nameless)


def _named(column: pa.ChunkedArray) -> tuple[list[str], Ints, Ints]:
    """Attributes in the order of their names; for each mention of one its number there and its row in the column."""
    encoded = column.combine_chunks().dictionary_encode()
    parts = [normalise(name) for name in encoded.dictionary.to_pylist()]
    names = sorted({name for found in parts for name in found})
    number = {name: i for i, name in enumerate(names)}
    flat = np.array([number[name] for found in parts for name in found], dtype=np.int64)
    sizes = np.array([len(found) for found in parts], dtype=np.int64)
    which = encoded.indices.to_numpy()
    rows = np.repeat(np.arange(len(which)), sizes[which])
    first = (np.cumsum(sizes) - sizes)[which]
    place = np.arange(len(rows)) - np.repeat(np.cumsum(sizes[which]) - sizes[which], sizes[which])
    return names, flat[np.repeat(first, sizes[which]) + place], rows


def _most_common(codes: Ints, texts: pa.ChunkedArray, most: int) -> dict[int, list[str]]:
    """The `most` most common texts of each code."""
    table = pa.table({"code": codes, "text": texts}).group_by(["code", "text"]).aggregate([([], "count_all")])
    table = table.sort_by([("code", "ascending"), ("count_all", "descending"), ("text", "ascending")])
    sorted_codes = table["code"].to_numpy()
    place = np.arange(len(sorted_codes)) - np.searchsorted(sorted_codes, sorted_codes)
    top = table.filter(pc.less(pa.array(place), most))
    found: dict[int, list[str]] = {}
    for code, text in zip(top["code"].to_pylist(), top["text"].to_pylist(), strict=True):
        found.setdefault(code, []).append(text)
    return found
