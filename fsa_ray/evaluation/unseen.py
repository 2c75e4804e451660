"""A task defined by one YAML file and a folder of JSON, for tasks that no file in `tasks/` knows.

Example, `mood.yaml`, beside `mood/train.json` and `mood/test.json`, lists of {"sentence": ..., "label": ...}:

    name: mood
    kind: classification
    folder: mood
    instruction: You are given a diary entry. Decide on its mood.
    labels: [calm, tense]

An extraction task has `kind: extraction`, `fields` (the last one is the polarity), optionally `spans`, `optional`
and `polarities`, and records {"sentence": ..., "opinions": [{field: value}]}.

Labels and polarities are folded, as all that is compared with them: `[Calm, VERY  tense]` are `calm` and `very tense`.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fsa_ray.core.yamlfile import read_yaml
from fsa_ray.evaluation.classification import ClassificationTask
from fsa_ray.evaluation.extraction import ExtractionTask
from fsa_ray.evaluation.item import Entry, Record, folded
from fsa_ray.evaluation.task import Task


class TaskFile(BaseModel):
    """What a task's YAML may say. `sizes` are optional: split -> number of items, for the sanity report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["classification", "extraction"]
    folder: str
    instruction: str
    version: int = 1
    id_field: str | None = None
    sizes: dict[str, int] = {}
    labels: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    spans: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    polarities: tuple[str, ...] = ("positive", "negative", "neutral")

    @field_validator("labels", "polarities")
    @classmethod
    def _told_apart(cls, written: tuple[str, ...]) -> tuple[str, ...]:
        labels = tuple(folded(label) for label in written)
        if "" in labels:
            raise ValueError("a label is blank; write a word")
        if twice := sorted({label for label in labels if labels.count(label) > 1}):
            raise ValueError(f"{', '.join(twice)} is there more than once, case and blanks apart; keep one of each")
        return labels

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "TaskFile":
        if self.kind == "classification" and (len(self.labels) < 2 or self.fields):
            raise ValueError("a classification task has at least two labels, and no fields")
        if self.kind == "extraction" and (len(self.fields) < 2 or self.labels):
            raise ValueError("an extraction task has at least two fields, the last for the polarity, and no labels")
        if strange := {*self.spans, *self.optional} - set(self.fields[:-1]):
            raise ValueError(f"spans and optional name fields other than the last, not {', '.join(sorted(strange))}")
        return self


def read_task(path: str | Path) -> Task:
    """The task that a YAML file defines. Raises ValueError naming the file and the key."""
    path = Path(path)
    try:
        told = TaskFile.model_validate(read_yaml(path))
    except ValidationError as error:
        causes = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'task'}: {e['msg']}" for e in error.errors())
        raise ValueError(f"{path}: {causes}") from error
    shared = told.model_dump(include={"name", "folder", "instruction", "version", "id_field", "sizes"})
    if told.kind == "classification":
        return ClassificationTask(**shared, labels=told.labels)

    def opinions(record: Record) -> list[Entry]:
        polarity = told.fields[-1]
        return [
            {name: one[name] for name in told.fields} | {polarity: folded(one[polarity])} for one in record["opinions"]
        ]

    return ExtractionTask(
        **shared,
        labels=(),
        fields=told.fields,
        spans=told.spans,
        optional=told.optional,
        polarities=told.polarities,
        reader=opinions,
    )
