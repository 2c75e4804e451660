"""A bridge to lm-evaluation-harness: our prompts as its tasks, and its logged samples as our predictions.

The harness's own metrics know neither macro-F1 over three labels nor span matching, so its tasks only ask; what it
logs with `--log_samples` is scored here, by `fsa-ray evaluate --predictions`, under the protocol that it was asked by.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from fsa_ray.evaluation.answers import parse_answer
from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.item import Item, Prediction
from fsa_ray.evaluation.label_words import label_words
from fsa_ray.evaluation.prompts import draw_demos, render
from fsa_ray.evaluation.task import Protocol, Task, require_protocol

PREFIX = "fsa_ray_"
STOP = "\n\nSentence:"


def export_task(
    task: Task, items: Sequence[Item], pool: Sequence[Item], protocol: Protocol, shots: int, seed: int, folder: Path
) -> Path:
    """Write the task's YAML and its prompts beside it; returns the YAML's path. Prompts are not shortened: the harness
    cuts what does not fit, so choose `shots` that do."""
    require_protocol(task, protocol)
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{PREFIX}{task.name}"
    chooses = isinstance(task, ClassificationTask)
    documents = folder / f"{name}.jsonl"
    with documents.open("w", encoding="utf-8") as stream:
        for item in items:
            prompt = render(task, item, draw_demos(task, pool, item, shots, seed), protocol)
            document: dict[str, Any] = {"id": item.id, "protocol": protocol, "prompt": prompt}
            if isinstance(item.gold, str):
                document |= {"choices": label_words(task), "target": task.labels.index(item.gold)}
            stream.write(json.dumps(document, ensure_ascii=False) + "\n")
    asked: dict[str, Any] = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(documents.resolve())}},
        "test_split": "test",
        "doc_to_text": "{{prompt}}",
        "target_delimiter": "",
        "num_fewshot": 0,
        "metadata": {"version": task.version},
    }
    if chooses:
        asked |= {"output_type": "multiple_choice", "doc_to_choice": "choices", "doc_to_target": "target"}
        asked["metric_list"] = [{"metric": "acc"}]
    else:
        asked |= {"output_type": "generate_until", "doc_to_target": ""}
        asked["generation_kwargs"] = {"until": [STOP], "max_gen_toks": 300, "do_sample": False}
        asked["metric_list"] = [{"metric": "bypass"}]
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(asked, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def is_sample(row: Mapping[str, Any]) -> bool:
    """Whether a row of a predictions file is one of the harness's logged samples."""
    return "doc_id" in row and isinstance(row.get("doc"), Mapping) and "filtered_resps" in row


def prediction_of(task: Task, sample: Mapping[str, Any]) -> tuple[str, Prediction]:
    """The item's id and the prediction in a logged sample. ValueError if it is not of a task that we exported."""
    document, said = sample["doc"], sample["filtered_resps"]
    try:
        if "choices" in document:
            scores = [float(_first(one)) for one in said]
            return str(document["id"]), str(document["choices"][scores.index(max(scores))]).strip()
        return str(document["id"]), parse_answer(task, str(_first(said)), document["protocol"])
    except (KeyError, IndexError, TypeError, ValueError, StopIteration) as error:
        raise ValueError(f"sample {sample['doc_id']} is not one of a task that fsa-ray exported ({error!r})") from error


def _first(value: Any) -> Any:
    """The harness wraps answers in lists, once or twice."""
    while isinstance(value, Iterable) and not isinstance(value, str | bytes):
        value = next(iter(value))
    return value
