"""How good clusters of attributes are: what a reader would look for by hand, as numbers."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from fsa_ray.sentiment.clusters import heads

_SHOWN = 5

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class ClusterHead(BaseModel):
    """A cluster by its most mentioned attribute, how many attributes it has and their mentions in all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    attributes: int
    mentions: int


class ClusterQuality(BaseModel):
    """`size_*`: attributes of a cluster. `silhouette`: mean over attributes, from -1 to 1.

    `inside`: share of attributes whose nearest other attribute is in the same cluster (what belongs together is
    together). `outside`: share of attributes nearer to the centroid of another cluster than to that of their own (what
    is together does not belong). `silhouette` and `inside` are None where there is nothing to compare with.
    `largest`, `smallest`: by mentions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clusters: int
    size_min: int
    size_median: float
    size_max: int
    silhouette: float | None
    inside: float | None
    outside: float
    largest: tuple[ClusterHead, ...]
    smallest: tuple[ClusterHead, ...]


def quality(vectors: npt.ArrayLike, counts: npt.ArrayLike, labels: Ints, names: Sequence[str]) -> ClusterQuality:
    """Judge `labels` (n,), numbered from 0 without gaps.

    vectors (n, d), counts (n,), names (n,). Source: the measures follow the two questions of CompEffDist's check by
    hand. Errors: ValueError for columns of different length or none.
    """
    points, mentions = np.asarray(vectors, dtype=np.float64), np.asarray(counts, dtype=np.int64)
    if not len(points) == len(mentions) == len(labels) == len(names) > 0:
        raise ValueError(
            f"{len(points)} vectors, {len(mentions)} counts, {len(labels)} labels and {len(names)} names: "
            "give one of each for each attribute, at least one"
        )
    sizes = np.bincount(labels)
    totals = np.bincount(labels, weights=mentions)
    head = heads(mentions, labels)
    shown = [
        ClusterHead(name=names[head[label]], attributes=int(sizes[label]), mentions=int(totals[label]))
        for label in np.argsort(-totals, kind="stable")
    ]
    return ClusterQuality(
        clusters=len(sizes),
        size_min=int(sizes.min()),
        size_median=float(np.median(sizes)),
        size_max=int(sizes.max()),
        silhouette=_silhouette(points, labels) if 1 < len(sizes) < len(points) else None,
        inside=_inside(points, labels) if len(points) > 1 else None,
        outside=_outside(points, labels, sizes),
        largest=tuple(shown[:_SHOWN]),
        smallest=tuple(shown[-_SHOWN:]),
    )


def _silhouette(points: Floats, labels: Ints) -> float:
    from sklearn.metrics import silhouette_score

    return float(silhouette_score(points, labels))


def _inside(points: Floats, labels: Ints) -> float:
    from sklearn.neighbors import NearestNeighbors

    # Asked without points, it leaves out each point itself, though not those that equal it.
    nearest = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)[:, 0]
    return float((labels[nearest] == labels).mean())


def _outside(points: Floats, labels: Ints, sizes: Ints) -> float:
    from scipy.spatial.distance import cdist

    centroids = np.zeros((len(sizes), points.shape[1]))
    np.add.at(centroids, labels, points)
    distances = cdist(points, centroids / sizes[:, None])
    return float((distances.min(axis=1) < distances[np.arange(len(labels)), labels]).mean())
