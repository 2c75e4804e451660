"""Attributes that mean about the same, as one cluster."""

from os import fspath
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import read_table
from fsa_ray.engine.placement import EnginePlacement
from fsa_ray.schemas.instructions import CLUSTER
from fsa_ray.sentiment.cluster_quality import ClusterQuality, quality
from fsa_ray.sentiment.clusters import Method, Weighting, cluster
from fsa_ray.stages.instructions.yields import MEND, yields
from fsa_ray.stages.model import Model, ModelDirectory
from fsa_ray.stages.rows import commit, derived_id

EncoderEngine = Literal["sentence-transformers", "vllm"]


class ClusteredRows(Rows):
    """Clusters, and how good they are."""

    quality: ClusterQuality


class Clusters(Stage[ClusteredRows]):
    """Clusters of attribute names by their embeddings, the most mentioned cluster first (CompEffDist, clusters).

    `encoder`: a sentence-transformers model; None takes the MiniLM that is installed with this package. It is read by
    sentence-transformers in float32, or by a vLLM engine of its own in the precision of its weights.
    """

    name: ClassVar[str] = "clusters"
    version: ClassVar[int] = 1

    attributes: Stage[Rows]
    encoder: Stage[Model] | None = None
    encoder_engine: EncoderEngine = "sentence-transformers"
    method: Method = "affinity"
    percentile: float = 0.5
    weighting: Weighting = "relative"
    count: int | None = None
    seed: int = 42

    def run(self, ctx: StageContext) -> ClusteredRows:
        attributes = read_table(ctx.root, ctx.load(self.attributes).kept)
        names = attributes["name"].to_pylist()
        if len(names) < 2:
            raise ValueError(
                f"{len(names)} attributes with enough mentions are too few to be clustered. What came of each step so "
                f"far: {yields(ctx, self)}. Lower instructions.min_mentions, or raise instructions.reviews. {MEND}"
            )
        ctx.measure(rows_read=len(names))
        vectors = self._vectors(ctx, names)
        mentions = attributes["mentions"].to_numpy()
        labels = cluster(
            vectors,
            mentions,
            method=self.method,
            percentile=self.percentile,
            weighting=self.weighting,
            clusters=self.count,
            seed=self.seed,
        )
        rows = [self._row(attributes, np.flatnonzero(labels == label)) for label in range(int(labels.max()) + 1)]
        done = commit(ctx, pa.Table.from_pylist(rows, CLUSTER), [])
        return ClusteredRows(**dict(done), quality=quality(vectors, mentions, labels, names))

    def _vectors(self, ctx: StageContext, names: list[str]) -> npt.NDArray[np.float32]:
        from fsa_ray.engine.encoder import InstalledModel, encode

        model = InstalledModel() if self.encoder is None else ModelDirectory(ctx.root, ctx.load(self.encoder))
        if self.encoder_engine == "sentence-transformers":
            return encode(names, fspath(model))
        from fsa_ray.engine.embedding import embed
        from fsa_ray.stages.serving import session

        ctx.tell(f"a vLLM engine of its own embeds {len(names)} attribute names")
        vectors = embed(names, model, session(ctx), ctx.placement.section("engine", EnginePlacement))
        ctx.measure(engine_starts=1)
        return vectors

    def _row(self, attributes: pa.Table, members: Any) -> dict[str, Any]:
        """`members` are positions; attributes are sorted by mentions, so the first is the head."""
        own = attributes.take(members).to_pylist()
        return {
            "id": derived_id("cluster", *(one["name"] for one in own)),
            "name": own[0]["name"],
            "mentions": sum(one["mentions"] for one in own),
            "attributes": [one["name"] for one in own],
            "descriptions": [one["description"] for one in own],
        }
