import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import affinity_propagation
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from fsa_ray.sentiment.cluster_quality import quality
from fsa_ray.sentiment.clusters import Ints, Method, cluster, heads

METHODS: list[tuple[Method, int | None]] = [("affinity", None), ("kmeans", 8), ("agglomerative", 8)]


def crowds(spread: float = 0.15, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors (160, 16) around eight centres, counts that fall as Zipf's law, and the centre of each."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(8, 16))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    crowd = rng.integers(0, 8, 160)
    vectors = centres[crowd] + spread * rng.normal(size=(160, 16))
    counts = 11 + rng.permutation(3000 // np.arange(1, 161))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), counts, crowd


@pytest.mark.parametrize(("method", "clusters"), METHODS)
def test_crowds_are_found_and_numbered_by_mentions(method: Method, clusters: int | None) -> None:
    vectors, counts, crowd = crowds(spread=0.05)
    labels = cluster(vectors, counts, method=method, clusters=clusters)
    assert adjusted_rand_score(crowd, labels) == 1.0
    totals = np.bincount(labels, weights=counts)
    assert len(totals) == 8 and (np.diff(totals) <= 0).all()


@pytest.mark.parametrize(("method", "clusters"), METHODS)
def test_equal_input_gives_equal_clusters_on_any_number_of_threads(method: Method, clusters: int | None) -> None:
    vectors, counts, _ = crowds()
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(limits=threads):
            found.append(cluster(vectors, counts, method=method, clusters=clusters).tolist())
    assert found[0] == found[1] == found[2]


def test_affinity_does_not_depend_on_order_or_seed() -> None:
    vectors, counts, _ = crowds()
    order = np.random.default_rng(1).permutation(len(vectors))
    labels = cluster(vectors, counts)
    assert cluster(vectors[order], counts[order], seed=7).tolist() == labels[order].tolist()


def released(vectors: np.ndarray, counts: np.ndarray, percentile: float) -> tuple[Ints, float]:
    """The released procedure: vectors repeated, the preference from the unrepeated; also its sum of similarities."""
    similarity = -((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    preference = float(np.percentile(similarity, percentile))
    weights = 1 + np.floor(np.log1p(counts)).astype(int)
    rows = np.concatenate([np.arange(len(vectors)), np.repeat(np.arange(len(vectors)), weights - 1)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may not settle
        _, labels = affinity_propagation(
            similarity[np.ix_(rows, rows)], preference=preference, damping=0.9, max_iter=1000, random_state=42
        )
    return labels[: len(vectors)], reached(vectors, weights, preference, labels[: len(vectors)])


def reached(vectors: np.ndarray, weights: np.ndarray, preference: float, labels: Ints) -> float:
    """The greatest sum of weighted similarities and preferences that these clusters allow."""
    similarity = -((vectors[:, None] - vectors[None]) ** 2).sum(axis=2) * weights[:, None]
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return float(sum(similarity[np.ix_(group, group)].sum(axis=0).max() + preference for group in groups))


@pytest.mark.parametrize("spread", [0.15, 0.2])
def test_repeated_weights_do_what_repeated_vectors_do(spread: float) -> None:
    vectors, counts, _ = crowds(spread)
    percentile = 0.5
    theirs, their_sum = released(vectors, counts, percentile)
    ours = cluster(vectors, counts, weighting="repeated", percentile=percentile)
    weights = 1 + np.floor(np.log1p(counts))
    preference = float(np.percentile(-((vectors[:, None] - vectors[None]) ** 2).sum(axis=2), percentile))
    assert reached(vectors, weights, preference, ours) >= their_sum * 1.01  # sums are negative
    assert adjusted_rand_score(theirs, ours) > 0.8


def test_relative_weights_keep_the_scale_of_single_vectors_and_still_count() -> None:
    vectors, counts, _ = crowds(spread=0.2)
    alike = cluster(vectors, np.full(160, 5))
    assert alike.tolist() == cluster(vectors, np.full(160, 5000)).tolist()
    assert len(np.unique(alike)) <= len(np.unique(cluster(vectors, counts))) + 1 <= 10
    assert len(np.unique(cluster(vectors, counts, weighting="repeated"))) > 30
    # Between two crowds: an attribute that is seldom named joins the nearer, one that is often named stands alone.
    sides = np.random.default_rng(0).normal(scale=0.5, size=(40, 2)) + np.repeat([[0.0, 0.0], [10.0, 0.0]], 20, axis=0)
    points = np.concatenate([sides, [[4.5, 0.0]]])
    often = np.append(np.ones(40), 1e9)
    assert np.bincount(cluster(points, np.ones(41))).tolist() == [21, 20]
    assert np.bincount(cluster(points, often)).tolist() == [1, 20, 20]


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [([[1.0, 0.0]], [0]), ([[1.0, 0.0]] * 5, [0] * 5), ([[0.0], [1.0]], [0, 0]), ([[0.0], [0.1], [9.0]], [0, 0, 0])],
)
def test_few_or_equal_attributes_are_one_cluster(vectors: list[list[float]], expected: list[int]) -> None:
    assert cluster(vectors, [11] * len(vectors)).tolist() == expected


def test_what_does_not_settle_is_said_with_what_to_change() -> None:
    vectors, counts, _ = crowds()
    with pytest.raises(ValueError, match=r"not settled after 5 rounds.*max_iter"):
        cluster(vectors, counts, max_iter=5)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"method": "means"}, "choose affinity"),
        ({"method": "kmeans"}, "`clusters` is None"),
        ({"method": "agglomerative", "clusters": 161}, "from 1 to 160"),
        ({"clusters": 3}, "finds the number"),
        ({"weighting": "log"}, "choose relative"),
        ({"percentile": 101}, "percentile"),
        ({"damping": 1.0}, "damping"),
        ({"max_iter": 0}, "max_iter"),
        ({"counts": [11]}, "1 counts for 160"),
        ({"counts": np.zeros(160)}, "above 0"),
        ({"vectors": np.full((160, 2), np.nan)}, "not finite"),
        ({"vectors": np.zeros((0, 2)), "counts": []}, "at least one"),
        ({"vectors": np.zeros((10_001, 1)), "counts": np.ones(10_001)}, "kmeans"),
    ],
)
def test_mistakes_are_named(changed: dict[str, Any], message: str) -> None:
    vectors, counts, _ = crowds()
    given = {"vectors": vectors, "counts": counts} | changed
    with pytest.raises(ValueError, match=message):
        cluster(given.pop("vectors"), given.pop("counts"), **given)


def test_heads_are_the_most_mentioned() -> None:
    assert heads([3, 9, 9, 1, 4], np.array([1, 0, 0, 1, 2])).tolist() == [1, 0, 4]


def test_quality_of_clusters_that_can_be_seen() -> None:
    points = np.array([[0.0], [0.1], [0.2], [10.0], [10.1], [10.3]])
    counts, names = [5, 50, 6, 20, 10, 3], list("abcdef")
    good = quality(points, counts, np.array([0, 0, 0, 1, 1, 1]), names)
    assert (good.clusters, good.size_min, good.size_median, good.size_max) == (2, 3, 3.0, 3)
    assert (good.inside, good.outside) == (1.0, 0.0) and good.silhouette is not None and good.silhouette > 0.95
    assert [(head.name, head.attributes, head.mentions) for head in good.largest] == [("b", 3, 61), ("d", 3, 33)]
    assert good.largest == good.smallest
    # "c" is put with the far three: it is nearer to the others' centroid, and "b" or "a" lies next to it.
    bad = quality(points, counts, np.array([0, 0, 1, 1, 1, 1]), names)
    assert bad.outside == pytest.approx(1 / 6) and bad.inside == pytest.approx(5 / 6)
    assert bad.silhouette is not None and bad.silhouette < good.silhouette
    one = np.zeros(6, np.int64)
    assert quality(points, counts, one, names).silhouette is None
    assert quality(points[:1], counts[:1], one[:1], names[:1]).inside is None
    with pytest.raises(ValueError, match="5 names"):
        quality(points, counts, one, names[:5])


def test_the_largest_and_smallest_clusters_are_shown() -> None:
    vectors, counts, _ = crowds(spread=0.05)
    labels = cluster(vectors, counts)
    found = quality(vectors, counts, labels, [str(i) for i in range(160)])
    totals = np.bincount(labels, weights=counts)
    assert [head.mentions for head in found.largest] == totals[:5].tolist()
    assert [head.mentions for head in found.smallest] == totals[-5:].tolist()
    assert all(counts[int(head.name)] == counts[labels == labels[int(head.name)]].max() for head in found.largest)


def test_the_names_of_the_paper_make_clusters_of_words() -> None:
    root = os.environ.get("FSA_RAY_DATA")
    if not root:
        pytest.skip("FSA_RAY_DATA does not name a data directory")
    given = json.loads((Path(root) / "fixtures" / "attribute_clusters.json").read_text("utf-8-sig"))
    rows = [(*name.rsplit("|", 1), group["cluster_id"]) for group in given for name in group["attr_names"]]
    counts = np.array([int(row[1].strip("()")) for row in rows])
    # Hashed pieces of words: names that share words are near each other.
    pieces = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=256)
    vectors = pieces.transform([row[0] for row in rows]).toarray()
    labels = cluster(vectors, counts)
    found = quality(vectors, counts, labels, [row[0] for row in rows])
    assert len(rows) == 1786 and 60 <= found.clusters <= 600 and found.size_max < 300
    assert found.inside is not None and found.inside > 0.5
    agreement = adjusted_rand_score([row[2] for row in rows], labels)
    by_chance = adjusted_rand_score([row[2] for row in rows], np.random.default_rng(0).permutation(labels))
    assert agreement > 0.15 > 10 * abs(by_chance)
