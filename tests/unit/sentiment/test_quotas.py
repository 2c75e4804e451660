import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsa_ray.sentiment.quotas import Pairs, allot

KINDS = ["analysis", "scoring", "extraction"]


def names(prefix: str, numbers: np.ndarray | range) -> pa.Array:
    return pa.array([f"{prefix}{n}" for n in numbers], pa.string())


class Table:
    """Random instructions and reviews, and the pairs of them."""

    def __init__(self, seed: int, instructions: int, clusters: int, reviews: int, domains: int) -> None:
        rng = np.random.default_rng(seed)
        self.cluster = rng.integers(0, clusters, instructions)
        self.kind = rng.integers(0, len(KINDS), instructions)
        self.domain = rng.integers(0, domains, reviews)

    def allot(self, total: int, order: tuple[np.ndarray, np.ndarray] | None = None, **options: object) -> Pairs:
        first, second = order or (np.arange(len(self.cluster)), np.arange(len(self.domain)))
        given: dict[str, object] = {"total": total, "seed": 1} | options
        return allot(
            names("i", first),
            names("c", self.cluster[first]),
            pa.array([KINDS[k] for k in self.kind[first]], pa.string()),
            names("r", second),
            names("d", self.domain[second]),
            **given,  # type: ignore[arg-type]
        )

    def assert_quotas(self, pairs: Pairs, total: int) -> None:
        assert len(pairs.instruction) == total
        assert len(set(zip(pairs.instruction.tolist(), pairs.review.tolist(), strict=True))) == total
        of_kind = np.zeros(len(KINDS))
        present = np.unique(self.cluster)
        for cluster in present:
            mine = self.cluster[pairs.instruction] == cluster
            assert abs(mine.sum() - total / len(present)) < 1
            kinds = np.unique(self.kind[self.cluster == cluster])
            for kind in kinds:
                quota = total / len(present) / len(kinds)
                of_kind[kind] += quota
                assert abs((self.kind[pairs.instruction[mine]] == kind).sum() - quota) < 1
        assert (np.abs(np.bincount(self.kind[pairs.instruction], minlength=len(KINDS)) - of_kind) < 1 + 1e-6).all()
        domains = np.unique(self.domain, return_inverse=True)[1]
        assert (np.abs(np.bincount(domains[pairs.review]) - total / (domains.max() + 1)) < 1).all()


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(1, 12), st.integers(1, 5), st.integers(1, 400))
def test_clusters_kinds_and_domains_get_their_quota_within_one(
    seed: int, instructions: int, clusters: int, domains: int, total: int
) -> None:
    table = Table(seed, instructions, clusters, 2000, domains)
    table.assert_quotas(table.allot(total, seed=seed), total)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.integers(1, 300))
def test_the_order_of_rows_does_not_matter(seed: int, total: int) -> None:
    table = Table(seed, 40, 5, 700, 3)
    rng = np.random.default_rng(seed)
    first, second = rng.permutation(40), rng.permutation(700)
    one, other = table.allot(total), table.allot(total, (first, second))
    np.testing.assert_array_equal(one.instruction, first[other.instruction])
    np.testing.assert_array_equal(one.review, second[other.review])


def test_seeds_differ() -> None:
    table = Table(0, 40, 5, 700, 3)
    one, other = (table.allot(100, seed=seed) for seed in (1, 2))
    assert set(zip(*one, strict=True)) != set(zip(*other, strict=True))


def test_instructions_of_a_kind_and_reviews_of_a_domain_take_turns() -> None:
    table = Table(3, 30, 2, 200, 2)
    pairs = table.allot(1500)
    used = np.bincount(pairs.instruction, minlength=30)
    for cell in {*zip(table.cluster, table.kind, strict=True)}:
        assert np.ptp(used[(table.cluster == cell[0]) & (table.kind == cell[1])]) <= 1
    for domain in (0, 1):
        assert np.ptp(np.bincount(pairs.review, minlength=200)[table.domain == domain]) <= 1


def test_every_pair_can_be_drawn_and_no_more() -> None:
    table = Table(0, 6, 1, 10, 1)
    table.kind = np.array([0, 0, 1, 1, 2, 2])
    assert len({*zip(*table.allot(60), strict=True)}) == 60
    with pytest.raises(ValueError, match="too few distinct pairs for 61"):
        table.allot(61)


def test_a_small_domain_still_meets_its_quota_where_the_pairs_allow_it() -> None:
    table = Table(0, 12, 2, 1000, 1)
    table.cluster, table.kind = np.arange(12) % 2, np.where(np.arange(12) < 10, 0, 1)
    table.domain = np.where(np.arange(1000) < 9, 0, 1)
    # Nine reviews for twelve instructions give 108 pairs, most of them with the kind that has many instructions.
    pairs = table.allot(200)
    table.assert_quotas(pairs, 200)
    with pytest.raises(ValueError, match="a domain has too few reviews"):
        table.allot(220)


def test_weights_are_shares() -> None:
    table = Table(0, 60, 3, 3000, 3)
    weights = {"analysis": 3.0, "scoring": 1.0, "extraction": 0.0, "another": 5.0}
    pairs = table.allot(
        800,
        kind_weights=weights,
        domain_weights={"d0": 1, "d1": 0, "d2": 1},
        cluster_weights={"c0": 2, "c1": 1, "c2": 1},
    )
    assert np.bincount(table.kind[pairs.instruction], minlength=3).tolist() == [600, 200, 0]
    assert np.bincount(table.domain[pairs.review], minlength=3).tolist() == [400, 0, 400]
    assert np.bincount(table.cluster[pairs.instruction], minlength=3).tolist() == [400, 200, 200]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"total": 0}, "at least 1"),
        ({"kind_weights": {"analysis": 1.0}}, "no weight for 2 kinds"),
        ({"domain_weights": {"d0": -1.0, "d1": 1.0}}, "weights of domains"),
        ({"cluster_weights": {"c0": 0.0, "c1": 0.0}}, "weights of clusters"),
        ({"kind_weights": {"analysis": 0.0, "scoring": 1.0, "extraction": 1.0}}, "kinds with weight 0"),
    ],
)
def test_mistakes_are_named(options: dict[str, object], message: str) -> None:
    table = Table(0, 4, 2, 50, 2)
    table.cluster, table.kind = np.array([0, 0, 0, 1]), np.array([0, 1, 2, 0])
    with pytest.raises(ValueError, match=message):
        table.allot(**({"total": 10} | options))  # type: ignore[arg-type]


def test_repeated_ids_and_uneven_columns_are_refused() -> None:
    one, two = pa.array(["a"]), pa.array(["a", "a"])
    with pytest.raises(ValueError, match="1 ids of reviews are repeated"):
        allot(one, one, one, two, two, total=1, seed=0)
    with pytest.raises(ValueError, match="columns of instructions"):
        allot(one, two, one, one, one, total=1, seed=0)
    with pytest.raises(ValueError, match="there are no reviews"):
        allot(one, one, one, one[:0], one[:0], total=1, seed=0)


def test_reviews_without_a_domain_are_a_domain() -> None:
    one = pa.array(["a"])
    reviews = pa.array([f"r{n}" for n in range(20)])
    pairs = allot(one, one, one, reviews, pa.array([None, "d"] * 10, pa.string()), total=10, seed=0)
    assert np.bincount(pairs.review % 2).tolist() == [5, 5]


def test_a_million_records_take_seconds() -> None:
    rng = np.random.default_rng(0)
    instructions, reviews = 3000, 100_000
    columns = [names(p, rng.integers(0, n, instructions)) for p, n in (("c", 180), ("k", 6))]
    started = time.process_time()
    pairs = allot(
        names("i", range(instructions)),
        *columns,
        names("r", range(reviews)),
        names("d", rng.integers(0, 6, reviews)),
        total=1_000_000,
        seed=0,
    )
    assert time.process_time() - started < 20
    assert len(np.unique(pairs.instruction * reviews + pairs.review)) == 1_000_000
