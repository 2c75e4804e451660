"""predict, evaluate, compare and export: put a student, or any model, to work and to the test."""

from pathlib import Path
from typing import Annotated

import typer

from fsa_ray.cli.arguments import DATA_HELP, DEFAULT_ROOT, Json, PlacementFile, Root


def predict(
    model: Annotated[
        str,
        typer.Argument(help="A run (its student), RUN/STAGE, or a model's directory or URL.", metavar="MODEL_OR_RUN"),
    ],
    input_: Annotated[str, typer.Argument(help="jsonl, csv, parquet or text file, or a folder.", metavar="INPUT")],
    output: Annotated[str, typer.Argument(help=".jsonl or .parquet", metavar="OUTPUT")],
    text_column: Annotated[str, typer.Option(help="Column that holds the review.")] = "text",
    id_column: Annotated[str | None, typer.Option(help="Column of your ids; default: id, if there is one.")] = None,
    root: Root = DEFAULT_ROOT,
    placement: PlacementFile = None,
) -> None:
    """Annotate reviews. Every input row comes out, with an error where there is no whole annotation."""
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
    context: typer.Context,
    model: Annotated[
        str | None, typer.Argument(help="A run's name, or a model's directory or URL.", metavar="MODEL")
    ] = None,
    task: Annotated[list[str] | None, typer.Option(help="A task; may be given several times.")] = None,
    data: Annotated[str | None, typer.Option(help=DATA_HELP, metavar="DIR")] = None,
    predictions: Annotated[Path | None, typer.Option(help="Score this file instead of asking a model.")] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="v1, v2, strict or p1; by default the suite's own, of a file the task's, else strict."),
    ] = None,
    missing_as_wrong: Annotated[
        bool, typer.Option("--missing-as-wrong", help="Count missing answers as wrong.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many items of a task.")] = None,
    suite: Annotated[str | None, typer.Option(help="Ask by prompts: sentibench or fsa; --task picks some.")] = None,
    name: Annotated[str | None, typer.Option(help="Under which name a suite's scores are kept.")] = None,
    shots: Annotated[int | None, typer.Option(min=0, max=8, help="Demonstrations in a suite's prompts.")] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Seeds that draw them, as 42,52,62; one where there are none.")
    ] = None,
    generate: Annotated[bool, typer.Option("--generate", help="Read labels from free answers.")] = False,
    interpret: Annotated[
        bool, typer.Option("--interpret", help="Read labels off what a student writes about the bare text.")
    ] = False,
    prefix: Annotated[str, typer.Option(help="With --interpret: what stands before the text.")] = "",
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Divide label probabilities by a prior.")] = False,
    structured: Annotated[bool, typer.Option("--structured", help="Extract by JSON schema.")] = False,
    chat: Annotated[bool, typer.Option("--chat", help="Use the model's chat template.")] = False,
    max_length: Annotated[
        int | None, typer.Option(min=64, help="Tokens of a suite's prompt and answer; by default the model's, to 2048.")
    ] = None,
    precision: Annotated[str, typer.Option(help="bf16 or fp32.")] = "bf16",
    root: Root = DEFAULT_ROOT,
    placement: PlacementFile = None,
    json_: Json = False,
) -> None:
    """Score a model, or a file of predictions, on benchmark tasks.

    With --suite the model is asked by in-context prompts, as the papers do, and the scores are kept for `compare`;
    without it, it annotates in its own format. MODEL is a directory, a run (its student) or RUN/STAGE.
    """
    from fsa_ray.cli.console import print_json, stdout
    from fsa_ray.cli.lookup import placement_at
    from fsa_ray.cli.options import Options, given, refuse_ignored
    from fsa_ray.cli.scoring import score_file, score_model, scores_table
    from fsa_ray.core.local_copy import brought_here

    if (model is None) == (predictions is None):
        raise ValueError("give a MODEL, or --predictions FILE, and not both")
    refuse_ignored(given(context))
    if data is None:
        raise ValueError("say where the benchmark lies: --data DIR")
    if suite is not None and model is not None:
        from fsa_ray.cli.suite import evaluate_suite, evaluation_table
        from fsa_ray.storage.folder import Folder

        options = Options.of(
            {
                "protocol": protocol,
                "shots": shots,
                "seeds": None if seeds is None else seeds.split(","),
                "limit": limit,
                "answering": "interpretation" if interpret else "generation" if generate else "likelihood",
                "prefix": prefix,
                "calibrate": calibrate,
                "structured": structured,
                "chat": chat,
                "max_length": max_length,
                "precision": precision,
            }
        )
        where = Path(brought_here(data))
        done = evaluate_suite(
            model, suite, tuple(task or ()), where, options, name, Folder(root), placement_at(placement)
        )
        if json_:
            print_json(done.model_dump(mode="json"))
        else:
            stdout.print(evaluation_table(done))
        return
    if not task:
        raise ValueError("say what is measured: --task NAME, or --suite NAME")
    where = Path(brought_here(data))
    if predictions is not None:
        if len(task) != 1:
            raise ValueError("a file of predictions is scored on one --task")
        found = score_file(predictions, task[0], where, protocol, missing_as_wrong=missing_as_wrong)
    else:
        assert model is not None
        found = score_model(
            model, tuple(task), where, limit, protocol or "strict", root_url=root, placement=placement_at(placement)
        )
    if json_:
        documents = [score.model_dump(mode="json") for score in found]
        print_json(documents[0] if len(documents) == 1 else {"scores": documents})
    else:
        stdout.print(scores_table(found))


def compare(
    first: Annotated[str, typer.Argument(help="The name of an evaluation.", metavar="A")],
    second: Annotated[str, typer.Argument(help="Another, on the same items.", metavar="B")],
    root: Root = DEFAULT_ROOT,
    json_: Json = False,
) -> None:
    """Compare two evaluations of a suite task by task: paired tests, corrected for the number of tasks."""
    from fsa_ray.cli.comparison import comparison_table
    from fsa_ray.cli.console import print_json, stdout
    from fsa_ray.cli.lookup import evaluation_called
    from fsa_ray.stages.suite_comparison import compare_evaluations
    from fsa_ray.storage.folder import Folder

    folder = Folder(root)
    found = compare_evaluations(folder, evaluation_called(folder, first), evaluation_called(folder, second))
    if json_:
        print_json(found.model_dump(mode="json"))
    else:
        stdout.print(comparison_table(found))


def export(
    folder: Annotated[Path, typer.Argument(help="Where the task files go.", metavar="FOLDER")],
    data: Annotated[str, typer.Option(help=DATA_HELP, metavar="DIR")],
    suite: Annotated[str, typer.Option(help="sentibench or fsa; --task picks some.")] = "sentibench",
    task: Annotated[list[str] | None, typer.Option(help="A task; may be given several times.")] = None,
    protocol: Annotated[str | None, typer.Option(help="v1, v2, strict or p1; by default the suite's own.")] = None,
    shots: Annotated[int | None, typer.Option(min=0, max=8, help="Demonstrations in a prompt.")] = None,
    seed: Annotated[int, typer.Option(help="Draws them.")] = 42,
) -> None:
    """Write a suite as tasks of lm-evaluation-harness.

    Run it there with --include_path FOLDER --log_samples, then score each samples file here:
    fsa-ray evaluate --predictions SAMPLES.jsonl --task NAME --data DIR.
    """
    from fsa_ray.cli.console import stderr
    from fsa_ray.cli.suite import export_suite
    from fsa_ray.core.local_copy import brought_here

    where = Path(brought_here(data))
    for path in export_suite(suite, tuple(task or ()), where, protocol, shots, seed, folder):
        stderr.print(str(path), highlight=False)


COMMANDS = (
    predict,
    evaluate,
    compare,
    export,
)
