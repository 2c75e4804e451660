"""One line per training step. The lines live in the checkpoints, so a resumed run has each step once."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class StepLine(BaseModel):
    """`loss` is the mean over the step's answer tokens, `tokens` counts padding too, `grad_norm` is before clipping.

    `label_loss`: mean divergence on the label words, over the step's answers that have them; None without soft labels.
    `dev_loss`: mean over the answer tokens of the watched examples after the step, where it was looked at.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int  # from 1
    loss: float  # nats per answer token
    lr: float
    answer_tokens: int
    tokens: int
    grad_norm: float | None  # None where DeepSpeed does not tell (stage 0 in fp32)
    seconds: float
    label_loss: float | None = None
    dev_loss: float | None = None


def write_lines(path: Path, lines: Iterable[StepLine]) -> None:
    path.write_text("".join(f"{line.model_dump_json()}\n" for line in lines), encoding="utf-8")


def read_lines(text: str) -> list[StepLine]:
    return [StepLine.model_validate_json(line) for line in text.splitlines()]
