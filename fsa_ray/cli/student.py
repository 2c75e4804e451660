"""predict and evaluate: put a student, or any model, to work."""

from pathlib import Path
from typing import Annotated

import typer

from fsa_ray.cli.arguments import DEFAULT_ROOT, Json, PlacementFile, Root


def predict(
    model: Annotated[str, typer.Argument(help="A run's name, or a model directory.", metavar="MODEL_OR_RUN")],
    input_: Annotated[str, typer.Argument(help="jsonl, csv, parquet or text file, or a folder.", metavar="INPUT")],
    output: Annotated[Path, typer.Argument(help=".jsonl or .parquet", metavar="OUTPUT")],
    text_column: Annotated[str, typer.Option(help="Column that holds the review.")] = "text",
    id_column: Annotated[str | None, typer.Option(help="Column of your ids; default: id, if there is one.")] = None,
    root: Root = DEFAULT_ROOT,
    placement: PlacementFile = None,
) -> None:
    """Annotate reviews. Every input row comes out, with an error where there is no annotation."""
    from fsa_ray.cli.annotation import annotate_file
    from fsa_ray.cli.lookup import placement_at

    annotate_file(
        model,
        input_,
        output,
        text_column=text_column,
        id_column=id_column,
        root_url=root,
        placement=placement_at(placement),
    )


def evaluate(
    model: Annotated[str | None, typer.Argument(help="A run's name, or a model directory.", metavar="MODEL")] = None,
    task: Annotated[list[str] | None, typer.Option(help="A task; may be given several times.")] = None,
    data: Annotated[Path | None, typer.Option(help="The benchmark's folder, in the official layout.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="Score this file instead of asking a model.")] = None,
    protocol: Annotated[str, typer.Option(help="How predictions are scored: v1, v2 or strict.")] = "strict",
    missing_as_wrong: Annotated[
        bool, typer.Option("--missing-as-wrong", help="Count missing answers as wrong.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many items of a task.")] = None,
    root: Root = DEFAULT_ROOT,
    placement: PlacementFile = None,
    json_: Json = False,
) -> None:
    """Score a model, or a file of predictions, on benchmark tasks."""
    from fsa_ray.cli.console import print_json, stdout
    from fsa_ray.cli.lookup import placement_at
    from fsa_ray.cli.scoring import score_file, score_model, scores_table

    if (model is None) == (predictions is None):
        raise ValueError("give a MODEL, or --predictions FILE, and not both")
    if not task or data is None:
        raise ValueError("say what is measured: --task NAME --data DIR")
    if predictions is not None:
        if len(task) != 1:
            raise ValueError("a file of predictions is scored on one --task")
        found = score_file(predictions, task[0], data, protocol, missing_as_wrong=missing_as_wrong)
    else:
        assert model is not None
        found = score_model(model, tuple(task), data, limit, root_url=root, placement=placement_at(placement))
    if json_:
        documents = [score.model_dump(mode="json") for score in found]
        print_json(documents[0] if len(documents) == 1 else {"scores": documents})
    else:
        stdout.print(scores_table(found))


COMMANDS = (
    predict,
    evaluate,
)
