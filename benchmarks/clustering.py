"""Clusters of the 1,786 attribute names of CompEffDist against the 180 that it gives, with the offline encoder.

The paper's clusters were made with another encoder, so agreement (adjusted Rand index) is not to be 1; k-means,
agglomerative clusters and a random partition of the same sizes stand beside it. The released procedure, which repeats
vectors, is run on the most mentioned names only: its matrix is about 17 times as large, and it takes minutes.

    python benchmarks/clustering.py --data DATA --out benchmarks/results/clustering.json [--released 300]
"""

import argparse
import json
import platform
import time
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist
from sklearn.cluster import affinity_propagation
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import adjusted_rand_score

from fsa_ray.engine.encoder import encode
from fsa_ray.sentiment.cluster_quality import quality
from fsa_ray.sentiment.clusters import Ints, cluster

MAXIMUM_SECONDS = 60.0
MINIMUM_AGREEMENT = 0.3
PERCENTILES = (0.1, 0.5, 5.0, 50.0)

Floats = npt.NDArray[np.float64]


def given_clusters(data: Path) -> tuple[list[str], Ints, Ints]:
    """Names, their mentions and the number of the cluster that the paper gives them."""
    groups = json.loads((data / "fixtures" / "attribute_clusters.json").read_text("utf-8-sig"))
    rows = [(*name.rsplit("|", 1), group["cluster_id"]) for group in groups for name in group["attr_names"]]
    names, counts, ids = zip(*rows, strict=True)
    return list(names), np.array([int(count.strip("()")) for count in counts]), np.array(ids)


def timed(make: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What is made; seconds, and seconds of processors, for a machine with other work on it."""
    began, cpu = time.perf_counter(), time.process_time()
    made = make()
    spent = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    return made, {name: round(value, 2) for name, value in spent.items()}


def compare(vectors: Floats, counts: Ints, names: list[str], given: Ints) -> dict[str, Any]:
    ways: dict[str, Callable[[], Ints]] = {
        "affinity": lambda: cluster(vectors, counts),
        "affinity, weighting repeated": lambda: cluster(vectors, counts, weighting="repeated"),
        "kmeans 180": lambda: cluster(vectors, counts, method="kmeans", clusters=180),
        "kmeans 200": lambda: cluster(vectors, counts, method="kmeans", clusters=200),
        "agglomerative 180": lambda: cluster(vectors, counts, method="agglomerative", clusters=180),
        "random, sizes as affinity": lambda: np.random.default_rng(0).permutation(labels["affinity"]),
        "the paper's": lambda: given,
    }
    labels: dict[str, Ints] = {}
    found = {}
    for way, make in ways.items():
        labels[way], seconds = timed(make)
        judged = quality(vectors, counts, labels[way], names)
        found[way] = {
            **seconds,
            "agreement": round(float(adjusted_rand_score(given, labels[way])), 4),
            **judged.model_dump(exclude={"largest", "smallest"}),
            "largest": [head.name for head in judged.largest],
        }
    found["affinity"]["same_again"] = bool((cluster(vectors, counts) == labels["affinity"]).all())
    return found


def reached(similarity: Floats, weights: Ints, preference: float, labels: Ints) -> float:
    """The greatest sum of weighted similarities and preferences that these clusters allow."""
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    own = similarity * weights[:, None]
    return float(sum(own[np.ix_(group, group)].sum(axis=0).max() + preference for group in groups))


def released(vectors: Floats, counts: Ints, most: int) -> dict[str, Any]:
    """Repeated vectors against `weighting="repeated"`, on the `most` most mentioned names."""
    top = np.argsort(-counts, kind="stable")[:most]
    similarity = -cdist(vectors[top], vectors[top], "sqeuclidean")
    preference = float(np.percentile(similarity, 0.5))
    weights = 1 + np.floor(np.log1p(counts[top])).astype(np.int64)
    rows = np.concatenate([np.arange(most), np.repeat(np.arange(most), weights - 1)])

    def fit() -> Any:
        return affinity_propagation(
            similarity[np.ix_(rows, rows)], preference=preference, damping=0.9, max_iter=1000, random_state=42
        )

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        (_, theirs), seconds = timed(fit)
    ours, our_seconds = timed(lambda: cluster(vectors[top], counts[top], weighting="repeated"))
    theirs = theirs[:most]
    return {
        "names": most,
        "rows": len(rows),
        **seconds,
        **{f"our_{name}": value for name, value in our_seconds.items()},
        "settled": not any(issubclass(one.category, ConvergenceWarning) for one in said),
        "clusters": len(np.unique(theirs)),
        "our_clusters": len(np.unique(ours)),
        "agreement": round(float(adjusted_rand_score(theirs, ours)), 4),
        "sum": round(reached(similarity, weights, preference, theirs), 3),
        "our_sum": round(reached(similarity, weights, preference, ours), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--released", type=int, default=300)
    arguments = parser.parse_args()
    names, counts, given = given_clusters(arguments.data)
    encode(names[:1])
    vectors, encoding = timed(lambda: encode(names))
    ways = compare(vectors.astype(np.float64), counts, names, given)
    report = {
        "benchmark": "clustering",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": platform.processor() or platform.machine(),
        "names": len(names),
        "mentions": int(counts.sum()),
        "encoding": encoding,
        "maximum_seconds": MAXIMUM_SECONDS,
        "minimum_agreement": MINIMUM_AGREEMENT,
        "ways": ways,
        "clusters_by_percentile": {
            percentile: int(cluster(vectors, counts, percentile=percentile).max()) + 1 for percentile in PERCENTILES
        },
        "released": released(vectors.astype(np.float64), counts, arguments.released),
    }
    print(json.dumps(report, indent=2))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    assert (len(names), int(counts.sum())) == (1786, 198_070), (len(names), int(counts.sum()))
    affinity = ways["affinity"]
    assert affinity["same_again"] and affinity["seconds"] <= MAXIMUM_SECONDS, affinity
    assert affinity["agreement"] >= MINIMUM_AGREEMENT, affinity


if __name__ == "__main__":
    main()
