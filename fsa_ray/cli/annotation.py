"""`fsa-ray predict`, and what it shares with `evaluate`: a small pipeline around one model."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from fsa_ray.cli.console import Narrator, stderr
from fsa_ray.cli.drive import close, release
from fsa_ray.cli.lookup import context_of, model_called
from fsa_ray.core.artifact import Rows
from fsa_ray.core.pipeline import Pipeline
from fsa_ray.core.placement import Placement
from fsa_ray.core.runner import Runner, load
from fsa_ray.core.stage import Stage
from fsa_ray.core.tables import iter_parts
from fsa_ray.recipes.measures import annotate, annotate_by_teacher
from fsa_ray.schemas.rows import PREDICTION
from fsa_ray.sentiment.files.predictions import write_predictions, writer_for
from fsa_ray.stages.annotate import Annotate
from fsa_ray.stages.ingest import Ingest
from fsa_ray.storage.folder import Folder


def annotate_file(
    model: str,
    input_: str,
    output: str,
    *,
    text_column: str,
    id_column: str | None,
    root_url: str,
    placement: Placement,
) -> None:
    """Annotate every row of `input_` into `output`. Interrupted, the same command goes on where it stopped."""
    writer_for(output)
    root = Folder(root_url)
    columns = {"text_column": text_column, "id_column": id_column}
    reviews = Ingest.at(input_, **columns, max_chars=10_000_000, may_be_unreadable=True)
    annotations = annotation_of(root, model, reviews)
    run_quietly(root, Pipeline("predict", {"ingest": reviews, "annotate": annotations}), placement)
    rows = load(root, reviews)
    write_predictions(output, _predictions(root, rows, load(root, annotations)))
    stderr.print(f"{rows.kept.rows + rows.rejected.rows} rows written to {output}")


def annotation_of(root: Folder, model: str, reviews: Stage[Rows]) -> Annotate:
    """The stage in which `model`, a directory or a run's model, annotates `reviews`; a run's, as the run asks it."""
    stage, planned = model_called(root, model)
    if planned is None:
        return Annotate(reviews=reviews, model=stage, max_length=context_of(root, stage))
    cells = (planned.pipeline.stages, *(cell.stages for cell in planned.cells))
    is_teacher = any(stage == cell.get("teacher") for cell in cells)
    return (annotate_by_teacher if is_teacher else annotate)(planned.spec, reviews, stage)


def run_quietly(root: Folder, pipeline: Pipeline, placement: Placement) -> None:
    try:
        Runner(root, placement, Narrator(), release).run(pipeline)
    finally:
        close()


def _predictions(root: Folder, reviews: Rows, annotations: Rows) -> Iterator[pa.Table]:
    """In the order of the input, by the user's ids; after them the rows that could not be read, with their reason."""
    for review, annotation in zip(
        iter_parts(root, reviews.kept, ["source_id"]), iter_parts(root, annotations.kept), strict=True
    ):
        yield annotation.set_column(0, "id", review["source_id"]).select(PREDICTION.names).cast(PREDICTION)
    for rejected in iter_parts(root, reviews.rejected):
        rows: list[dict[str, Any]] = [
            {"id": row["source_id"], "text": row["text"], "opinions": [], "error": f"{row['reason']}: {row['detail']}"}
            for row in rejected.to_pylist()
        ]
        yield pa.Table.from_pylist(rows, PREDICTION)
