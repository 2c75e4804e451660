"""The attributes that reviews have, counted over what the teacher said about each."""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.schemas.instructions import ATTRIBUTE
from fsa_ray.sentiment.attributes import Attribute, count_attributes, parse_attributes
from fsa_ray.stages.rows import commit, derived_id, rejects


class Attributes(Stage[Rows]):
    """Attributes with at least `min_mentions`, the most mentioned first. Rarer ones, and answers that hold none, are
    rejects (CompEffDist, attributes; more than 10 mentions there)."""

    name: ClassVar[str] = "attributes"
    version: ClassVar[int] = 1

    responses: Stage[Rows]
    min_mentions: int = 11

    def estimate(self, rows: Any) -> dict[str, float]:
        return {}

    def run(self, ctx: StageContext) -> Rows:
        refused: list[dict[str, Any]] = []
        mentions = list(self._mentions(ctx, refused))
        counted = count_attributes(mentions, 1)
        rows = [
            {
                "id": derived_id("attribute", one.name),
                "name": one.name,
                "mentions": one.count,
                "description": one.description,
                "values": list(one.values),
            }
            for one in counted
        ]
        kept = [row for row in rows if row["mentions"] >= self.min_mentions]
        for row in rows[len(kept) :]:
            refused.append(
                {"id": row["id"], "reason": "rare", "detail": f"{row['mentions']} mentions", "text": row["name"]}
            )
        ctx.measure(mentions=len(mentions))
        return commit(ctx, pa.Table.from_pylist(kept, ATTRIBUTE), [rejects(refused)])

    def _mentions(self, ctx: StageContext, refused: list[dict[str, Any]]) -> Iterator[Attribute]:
        responses = 0
        for part in iter_parts(ctx.root, ctx.load(self.responses).kept, ["id", "parent", "text", "error"]):
            for response in part.to_pylist():
                responses += 1
                found = [] if response["error"] else parse_attributes(response["text"])
                if not found:
                    detail = response["error"] or "no attribute could be read"
                    parent = {"id": response["id"], "parent": response["id"], "text": response["text"]}
                    refused.append({**parent, "reason": "unreadable", "detail": detail})
                yield from found
        ctx.measure(responses=responses)
