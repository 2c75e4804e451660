"""The attributes that reviews have, counted over what the teacher said about each."""

from typing import Any, ClassVar

import pyarrow as pa

from fsa_ray.core.artifact import Rows
from fsa_ray.core.stage import Stage, StageContext
from fsa_ray.core.tables import iter_parts
from fsa_ray.schemas.instructions import ATTRIBUTE
from fsa_ray.sentiment.attribute_counts import count_attributes
from fsa_ray.sentiment.attributes import parse_attributes
from fsa_ray.stages.rows import commit, derived_id, rejects

_MENTION = pa.schema([("name", pa.string()), ("description", pa.string()), ("value", pa.string())])


class Attributes(Stage[Rows]):
    """Attributes with at least `min_mentions`, the most mentioned first. Rejects are the answers that hold none; rarer
    attributes are counted (CompEffDist, attributes; more than 10 mentions there)."""

    name: ClassVar[str] = "attributes"
    version: ClassVar[int] = 1

    responses: Stage[Rows]
    min_mentions: int = 11

    def run(self, ctx: StageContext) -> Rows:
        parts = [_MENTION.empty_table()]
        refused: list[dict[str, Any]] = []
        responses = 0
        for part in iter_parts(ctx.root, ctx.load(self.responses).kept, ["id", "text", "error"]):
            mentions: list[dict[str, str]] = []
            for response in part.to_pylist():
                found = [] if response["error"] else parse_attributes(response["text"])
                mentions.extend(vars(attribute) for attribute in found)
                if not found:
                    refused.append(_unreadable(response))
            responses += len(part)
            parts.append(pa.Table.from_pylist(mentions, _MENTION))
        table = pa.concat_tables(parts)
        counted = count_attributes(table, self.min_mentions)
        rows = [
            {
                "id": derived_id("attribute", one.name),
                "name": one.name,
                "mentions": one.count,
                "description": one.description,
                "values": list(one.values),
            }
            for one in counted.kept
        ]
        ctx.measure(
            rows_read=responses,
            mentions=len(table),
            rare_attributes=counted.rare,
            rare_mentions=counted.rare_mentions,
            nameless_mentions=counted.nameless,
        )
        return commit(ctx, pa.Table.from_pylist(rows, ATTRIBUTE), [rejects(refused)])


def _unreadable(response: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": derived_id(response["id"], "whole"),
        "parent": response["id"],
        "reason": "unreadable",
        "detail": response["error"] or "no attribute could be read",
        "text": response["text"],
    }
