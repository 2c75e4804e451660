"""Which instruction is put to which review: pairs drawn by quotas for clusters, kinds of task and domains."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.sentiment.hashes import hash_strings, mix, seed_for, uniforms

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Column: TypeAlias = pa.Array | pa.ChunkedArray

_EPSILON = 1e-9


class Pairs(NamedTuple):
    """Records: row i puts the instruction of row `instruction[i]` to the review of row `review[i]`, (n,) each."""

    instruction: Rows
    review: Rows


class _Groups(NamedTuple):
    """Names (g,) in sorted order, and the number of its group for each row (n,)."""

    names: list[str]
    of: Rows


def allot(
    instructions: Column,
    clusters: Column,
    kinds: Column,
    reviews: Column,
    domains: Column,
    *,
    total: int,
    seed: int,
    cluster_weights: Mapping[str, float] | None = None,
    kind_weights: Mapping[str, float] | None = None,
    domain_weights: Mapping[str, float] | None = None,
) -> Pairs:
    """Draw `total` distinct pairs of an instruction and a review.

    instructions (m,) are distinct ids with clusters (m,) and kinds (m,); reviews (r,) are distinct ids with domains
    (r,); a null domain is the domain "". Shares are equal unless weights are given, one for each name that occurs.
    Within 1 of its quota means, for n = `total`:

    - a cluster has n times its share; a domain has n times its share;
    - a kind within a cluster has the cluster's quota times the kind's share among the kinds that the cluster has; so
      what a cluster cannot give of a missing kind is spread over its other kinds;
    - a kind over all clusters has the sum of its quotas within them.

    Within a cluster's kind its instructions, and within a domain its reviews, are used equally often, within 1 at each
    domain. Pairs depend on ids, names and seed alone, not on the order of rows; they come sorted by domain, cluster and
    kind.
    Errors: ValueError for a total below 1, repeated ids, columns of different length, wrong weights, or if there are
    too few distinct pairs to meet the quotas.
    """
    _check(instructions, "instructions", clusters, kinds)
    _check(reviews, "reviews", domains)
    if total < 1:
        raise ValueError(f"{total} records were asked for: ask for at least 1")
    cluster, kind, domain = _groups(clusters), _groups(kinds), _groups(domains)
    shares = [_shares(cluster.names, cluster_weights, "clusters"), _shares(kind.names, kind_weights, "kinds")]
    domain_share = _shares(domain.names, domain_weights, "domains")
    width = len(kind.names)
    members = np.bincount(cluster.of * width + kind.of, minlength=len(cluster.names) * width)
    sizes = np.bincount(domain.of)
    usable = int(sizes[domain_share > 0].sum())
    cells = _cells(members.reshape(-1, width), shares, total, usable, seed).ravel()
    table = _by_domain(cells, domain_share, members[:, None] * sizes, seed)
    shelf = _hashed_order(reviews, seed, domain.of)
    return _fill(
        table, members, _hashed_order(instructions, seed, kind.of, cluster.of), np.split(shelf, np.cumsum(sizes)[:-1])
    )


def _cells(members: Rows, shares: list[Floats], total: int, reviews: int, seed: int) -> Rows:
    """Records (clusters, kinds), whole numbers around the quotas that add up along both sides."""
    of_cluster, of_kind = shares
    weight = np.where(members > 0, of_kind, 0.0)
    present = weight.sum(axis=1, keepdims=True)
    if ((present[:, 0] <= 0) & (of_cluster > 0)).any():
        raise ValueError("a cluster has instructions only of kinds with weight 0: give the kind or the cluster another")
    quota = total * of_cluster[:, None] * np.divide(weight, present, out=np.zeros_like(weight), where=present > 0)
    rounded = _round(quota, quota.sum(axis=1), quota.sum(axis=0), members * reviews, total, seed)
    if rounded is None:
        short = int((quota >= members * reviews + 1).sum())
        raise ValueError(
            f"too few distinct pairs for {total} records: {short} kinds in clusters cannot meet their quota; ask for "
            "fewer records, or give more reviews or instructions"
        )
    return rounded


def _by_domain(cells: Rows, share: Floats, room: Rows, seed: int) -> Rows:
    """Records (cells, domains): each domain has its share of every cell, or as near as there are reviews for it."""
    quota = cells[:, None] * share
    columns, total = cells.sum() * share, int(cells.sum())
    rounded = _round(quota, cells, columns, room, total, seed)
    if rounded is None:
        rounded = _round(quota, cells, columns, room, total, seed, loose=True)
    if rounded is None:
        raise ValueError(
            f"too few distinct pairs for {total} records: a domain has too few reviews for its quota; ask for fewer "
            "records, or give more reviews or other weights of the domains"
        )
    return rounded


def _round(
    quota: Floats, rows: npt.NDArray[Any], columns: Floats, room: Rows, total: int, seed: int, *, loose: bool = False
) -> Rows | None:
    """A table of whole numbers up to `room` with sum `total`, whose sums are those of `rows` and `columns` and whose
    cells are those of `quota`, each rounded up or down; None if there is none. The seed decides among several.

    With `loose` cells may differ more from their quota, and do so as little as can be. The table is a flow from rows
    to columns, so the best solution of the linear programme is whole.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array, vstack

    floor, ceiling = np.floor(quota + _EPSILON), np.ceil(quota - _EPSILON)
    if not loose and (floor > room).any():
        return None
    # Up to its floor a cell is forced or costs less than nothing, beyond its ceiling it costs more than all chances.
    steps = [(np.minimum(floor, room), -1.0), (np.minimum(ceiling, room), 0.0)]
    if loose:
        steps.append((np.where(quota > 0, np.minimum(room, total), 0).astype(np.float64), 1.0))
    highs = np.diff([step for step, _ in steps], axis=0, prepend=0.0)
    step, row, column = np.nonzero(highs)
    n = len(step)
    high = highs[step, row, column]
    chance = uniforms(mix(mix(np.array([seed % 2**64], np.uint64)) + np.arange(n, dtype=np.uint64)))
    ones, number = np.ones(n), np.arange(n)
    sums = vstack(
        [
            coo_array((ones, (row, number)), shape=(len(rows), n)),
            coo_array((ones, (column, number)), shape=(len(columns), n)),
            coo_array(ones[None, :]),
        ]
    )
    wanted = np.concatenate([rows, columns, [total]])
    found = milp(
        np.array([cost for _, cost in steps])[step] + chance / n,
        bounds=Bounds(np.where((step == 0) & (not loose), high, 0.0), high),
        constraints=LinearConstraint(sums, np.floor(wanted + _EPSILON), np.ceil(wanted - _EPSILON)),
    )
    if found.status != 0:
        return None
    table = np.zeros(quota.shape, np.int64)
    np.add.at(table, (row, column), np.rint(found.x).astype(np.int64))
    return table


def _fill(table: Rows, members: Rows, order: Rows, shelves: list[Rows]) -> Pairs:
    """Pairs for a table (cells, domains): in turn through the instructions of a cell, and round the reviews of a
    domain. The pairs of one instruction stand together in the round of a domain, so none is met twice.
    """
    starts = np.cumsum(table, axis=1) - table
    cell = np.repeat(np.arange(len(members)), members)
    place = np.arange(len(order)) - np.repeat(np.cumsum(members) - members, members)
    instruction, review = [], []
    for domain, shelf in enumerate(shelves):
        turns = table[cell, domain] // members[cell]
        late = (place - starts[cell, domain]) % members[cell]
        rows = np.repeat(order, turns + (late < table[cell, domain] % members[cell]))
        instruction.append(rows)
        review.append(shelf[np.arange(len(rows)) % max(len(shelf), 1)])
    return Pairs(np.concatenate(instruction), np.concatenate(review))


def _groups(column: Column) -> _Groups:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = pc.fill_null(whole.cast(pa.string()), "").dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return _Groups(encoded.dictionary.take(pa.array(order)).to_pylist(), rank[encoded.indices.to_numpy()])


def _shares(names: list[str], weights: Mapping[str, float] | None, what: str) -> Floats:
    if weights is None:
        return np.full(len(names), 1.0 / len(names))
    missing = [name for name in names if name not in weights]
    if missing:
        raise ValueError(f"no weight for {len(missing)} {what}, the first {missing[0]!r}: give one for each, or none")
    given = np.array([weights[name] for name in names], np.float64)
    if not (np.isfinite(given).all() and (given >= 0).all() and given.sum() > 0):
        raise ValueError(f"the weights of {what} must be 0 or more, and not all 0")
    return np.asarray(given / given.sum())


def _hashed_order(ids: Column, seed: int, *groups: Rows) -> Rows:
    """Rows sorted by the last of the groups, then by the one before, at last by a hash of their ids."""
    column = ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids
    return np.asarray(np.lexsort((hash_strings(column, seed_for("quotas", seed)), *groups)), dtype=np.int64)


def _check(ids: Column, what: str, *columns: Column) -> None:
    if any(len(column) != len(ids) for column in columns):
        raise ValueError(f"columns of {what} differ in length: give one value for each of the {len(ids)} ids")
    if not len(ids):
        raise ValueError(f"there are no {what}: no pair can be drawn")
    if len(ids.unique()) != len(ids):
        raise ValueError(f"{len(ids) - len(ids.unique())} ids of {what} are repeated: ids must be distinct")
