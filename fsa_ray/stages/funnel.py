"""What each stage of a run did to its rows, for the report."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from fsa_ray.core.artifact import Flow, Rows
from fsa_ray.core.record import Record
from fsa_ray.core.runner import load
from fsa_ray.core.stage import Stage
from fsa_ray.core.tables import read_table
from fsa_ray.reporting.contents import FunnelStep
from fsa_ray.sentiment.cluster_quality import ClusterQuality
from fsa_ray.stages.ask import Ask
from fsa_ray.stages.instructions.attributes import Attributes
from fsa_ray.stages.instructions.clusters import ClusteredRows
from fsa_ray.stages.instructions.generated import GeneratedInstructions
from fsa_ray.stages.instructions.records import Records
from fsa_ray.stages.instructions.usable import UsableInstructions
from fsa_ray.storage.folder import Folder

UNITS = {
    "ingest": "reviews",
    "deduplicate": "reviews",
    "decontaminate": "reviews",
    "enumerate": "answers",
    "attributes": "attributes",
    "clusters": "clusters",
    "analyse": "answers",
    "propose": "answers",
    "proposals": "tasks",
    "standardise": "answers",
    "definitions": "tasks",
    "demonstrate": "answers",
    "generated": "instructions",
    "supplied": "instructions",
    "instructions": "instructions",
    "records": "records",
    "teach": "answers",
    "teach-rewriting": "answers",
    "parse": "examples",
    "respond": "answers",
    "distilled": "examples",
    "alignment-records": "records",
    "align": "answers",
    "aligned": "examples",
    "other-tasks": "queries",
    "other-records": "records",
    "align-other": "answers",
    "aligned-other": "examples",
    "score": "examples",
    "select": "examples",
    "score-distilled": "examples",
    "select-distilled": "examples",
    "gold-pack": "examples",
    "pack": "examples",
    "pair": "examples",
    "pack-alignment": "examples",
    "pair-labelled": "examples",
}
"""Label of a stage to what its rows are, in the order of showing: the last that a run has is what its student learned
from."""

NAMED = 3


def funnel(root: Folder, stages: Mapping[str, Stage[Any]], done: Mapping[str, Record]) -> Iterator[FunnelStep]:
    """One step for each stage that has rows to account for; `done` are the records by label."""
    for label, unit in UNITS.items():
        if label in stages:
            stage, measures = stages[label], done[label].measures
            rows = cast(Rows, load(root, stage))
            yield FunnelStep(
                label=label,
                unit=unit,
                rows_in=_rows_in(root, stage, measures),
                kept=rows.kept.rows,
                rejected=rows.reasons,
                told=_told(root, stage, rows, measures),
            )


def _rows_in(root: Folder, stage: Stage[Any], measures: Mapping[str, float]) -> int:
    flow = stage.owes() or Flow(source=None)
    if flow.source is None:
        return round(measures.get("rows_read", 0))
    return sum(cast(Rows, load(root, source)).kept.rows for source in stage.inputs_of(flow.source))


def _told(root: Folder, stage: Stage[Any], rows: Rows, measures: Mapping[str, float]) -> str:
    """What the counts of rows do not tell, in a sentence; empty where that is nothing."""
    counts = {name: f"{value:,.0f}" for name, value in measures.items()}
    if isinstance(rows, ClusteredRows):
        return quality_told(rows.quality)
    if isinstance(stage, Records):
        return coverage_told(read_table(root, rows.kept, ["cluster", "kind", "domain"]))
    if isinstance(stage, Attributes):
        return f"{counts['rare_attributes']} attributes with fewer mentions than {stage.min_mentions} are left out"
    if isinstance(stage, GeneratedInstructions):
        return f"{counts['demonstrations']} demonstrations added from {counts['demonstration_answers']} answers"
    if isinstance(stage, UsableInstructions):
        return (
            f"{counts['analyses']} analysis instructions and {counts['tasks']} tasks with {counts['demonstrations']} "
            f"demonstrations, about {counts['clusters']} clusters; {counts['contaminated_demonstrations']} "
            "demonstrations left out that share text with a test set"
        )
    return f"{counts['failed']} without a usable answer" if isinstance(stage, Ask) and measures["failed"] else ""


def quality_told(found: ClusterQuality) -> str:
    """How large and how good clusters are, and the names of some."""
    parts = [f"{found.size_min} to {found.size_max} attributes in a cluster, median {found.size_median:g}"]
    if found.silhouette is not None:
        parts.append(f"silhouette {found.silhouette:.2f}")
    if found.inside is not None:
        parts.append(f"{found.inside:.0%} of attributes have their nearest neighbour in their cluster")
    parts.append(f"{found.outside:.0%} are nearer to the middle of another")
    parts.append(f"most mentioned: {', '.join(head.name for head in found.largest[:NAMED])}")
    parts.append(f"least: {', '.join(head.name for head in found.smallest[-NAMED:])}")
    return "; ".join(parts)


def coverage_told(records: pa.Table) -> str:
    """How many clusters, kinds of instruction and domains records cover, and the fewest and most records of one."""
    return "; ".join(_covered(name, records[name].fill_null("")) for name in ("cluster", "kind", "domain"))


def _covered(name: str, column: pa.ChunkedArray) -> str:
    counts = pc.value_counts(column.combine_chunks()).field("counts").to_pylist() or [0]
    groups = f"{len(counts):,} {name}s" if len(counts) > 1 else f"1 {name}"
    least, most = min(counts), max(counts)
    return f"{groups} with {least:,} records" if least == most else f"{groups} with {least:,} to {most:,} records"
